"""Lecture 003: the deepfake at its beginning, and the systems of its timetable."""

from intro_dl.lectures.engine.claims import Outcome, cite, claim, within
from intro_dl.lectures.engine.numerics import listed
from intro_dl.results.evidence import read_runs

cite(
    "A24",
    lectures=["003"],
    slide="Hi everybody, and welcome to MIT 6.S191",
    says="Deepfake: a president welcomes to the class",
    reason="Not shown: it needs hours of video of one person (e.g. Suwajanakorn et al. 2017) and large "
    "generative networks, and it would put words into the mouth of a person. Networks that draw "
    "here: A16, A28.",
)

cite(
    "A25",
    lectures=["003"],
    slide="VISTA simulator; Autonomous Driving with LiDAR; Software Lab 3",
    says="Train autonomous vehicles in photorealistic simulated environments, end to end",
    reason="Not shown: VISTA (Amini et al. 2020) makes new views of recorded drives; the recordings are "
    "large and not part of any package here, and what is learned can be tested only in the simulator or "
    "on the road.",
)

cite(
    "A26",
    lectures=["003"],
    slide="Deep Reinforcement Learning; Software Lab 3",
    says="Reinforcement learning",
    reason="Not shown: an agent learns from rewards of an environment in which it acts (Mnih et al. "
    "2015). Every model here learns from a fixed set of examples; a loop of acting would be another "
    "package.",
)

cite(
    "A27",
    lectures=["003"],
    slide="Software Lab 2",
    says="De-biasing facial recognition systems",
    reason="Not shown: it needs photographs of faces (Amini et al. 2019 use CelebA), which no package "
    "ships and whose people were not asked. The paper resamples by the codes of a variational "
    "autoencoder: A28.",
)


@claim(
    "A28",
    lectures=["003", "004"],
    slide="Deep Generative Modeling; Lecture 2: AutoEncoders and Generative Models",
    says="Generative models",
    kind="measured",
)
def variational_autoencoder() -> Outcome:
    loss, pixels = (read_runs("systems/vae", metric) for metric in ("loss/test", "rivals/independent pixels"))
    codes = read_runs("systems/vae", "divergence/test")
    return Outcome(
        [
            within(
                "nats per image below independent pixels, the least of the seeds",
                min(pixels) - max(loss),
                low=40,
            ),
            within("nats that the code carries, the least", min(codes), low=2),
        ],
        [
            f"nats per new image: {listed(loss)}; independent pixels {pixels[0]:.1f}.",
            "model=vae on small scanned digits, a code of two numbers; its draws are blurred. A GAN: A16.",
        ],
    )
