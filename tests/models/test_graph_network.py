"""A graph network uses the edges; its data, its rival and its predictions."""

import networkx
import pytest
import torch

from intro_dl.data.graph import DigitGraph, Karate
from intro_dl.inference import predict
from intro_dl.models.gcn import GCN
from intro_dl.tasks.node_classifier import UNKNOWN, propagate_labels
from intro_dl.training import product


@pytest.fixture(scope="module")
def club():
    data = Karate()
    data.setup()
    return data


def everyone(data):
    """Return the whole graph, the known labels, and all labels."""
    graph, known = data.splits["train"]
    return graph, known, data.labels()[None]


def right(model, data):
    """Return how many members that training does not know get the right club."""
    graph, known, labels = everyone(data)
    with torch.no_grad():
        correct = model.eval()(graph).argmax(dim=-1) == labels
    return int(correct[known == UNKNOWN].sum())


def test_the_splits_share_the_graph_and_know_each_node_once(club):
    graphs, labels = zip(*club.splits.values(), strict=True)
    assert all(torch.equal(graph, graphs[0]) for graph in graphs)
    assert torch.equal(torch.stack(labels).ne(UNKNOWN).sum(dim=0), torch.ones_like(labels[0]))
    assert club.description() == "34 nodes, 78 edges, 2 classes: 2 train, 8 val, 24 test"


def test_a_layer_mixes_neighbors_by_the_formula_of_kipf_and_welling(club):
    graph = club.splits["train"][0]
    adjacency = graph[0, :, -34:]
    joined = adjacency + torch.eye(34)
    scale = torch.diag(joined.sum(dim=1) ** -0.5)
    torch.testing.assert_close(GCN(34, 2).mixture(adjacency[None])[0], scale @ joined @ scale)
    assert torch.equal(GCN(34, 2, neighbors=False).mixture(adjacency[None])[0], torch.eye(34))


def test_only_the_nodes_whose_labels_are_known_count(club):
    torch.manual_seed(0)
    model, (graph, known) = GCN(34, 2), club.splits["train"]
    scores = model(graph)[0, [0, 33]]
    loss = torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1]))
    assert model.count((graph, known)) == 2
    torch.testing.assert_close(model.metrics((graph, known))["loss"], loss)


def test_the_labels_of_a_graph_are_those_of_all_its_splits(club):
    graph = networkx.karate_club_graph()
    assert [club.CLASSES[label] for label in club.labels()] == [graph.nodes[node]["club"] for node in graph]


def test_labels_spread_along_a_path_to_the_nearer_end():
    path = torch.diag(torch.ones(5), 1) + torch.diag(torch.ones(5), -1)
    labels = torch.tensor([0, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, 1])
    assert propagate_labels(path, labels, 2).tolist() == [0, 0, 0, 1, 1, 1]


def test_a_graph_without_edges_is_refused(monkeypatch):
    draw = Karate.draw

    def lonely(self, generator):
        features, adjacency, labels, known = draw(self, generator)
        return features, 0 * adjacency, labels, known

    monkeypatch.setattr(Karate, "draw", lonely)
    with pytest.raises(ValueError, match="The graph of Karate has no edges"):
        Karate().setup()


@pytest.mark.parametrize(
    ("label", "node", "sentence"),
    [
        (2, 33, "The graph of Karate has a label 2: choose labels from 0 to 1."),
        (-1, 33, "The graph of Karate has a label -1"),
        (1, 34, "knows the label of node 34, but the nodes are 0 to 33: choose one of these."),
    ],
)
def test_labels_and_nodes_outside_of_a_graph_are_refused(label, node, sentence, monkeypatch):
    draw = Karate.draw

    def wrong(self, generator):
        features, adjacency, labels, _ = draw(self, generator)
        labels[5] = label
        return features, adjacency, labels, [0, node]

    monkeypatch.setattr(Karate, "draw", wrong)
    with pytest.raises(ValueError, match=sentence):
        Karate().setup()


def test_too_many_labels_per_class_are_refused():
    with pytest.raises(ValueError, match="at most 1,000 neighbors and 100 labels per class"):
        DigitGraph(labels_per_class=200).setup()


def test_predict_names_the_class_of_a_node_by_its_number(trained_run, run_main):
    run = trained_run("model=gcn", "trainer.max_epochs=2")
    code, out, errors = run_main(predict.main)(run, "0", "40", "format=json")
    assert code == 1 and '"node": "0"' in out
    assert "Error: Unknown node 40: choose one from 0 to 33." in errors


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_two_leaders_are_enough_to_tell_the_clubs_apart(seed):
    model, club = product.train("model=gcn", f"seed={seed}")
    assert right(model, club) >= 31
    alone, _ = product.train("model=gcn", "model.neighbors=false", f"seed={seed}")
    assert 8 <= right(alone, club) <= 24  # half, as by chance


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_on_the_digit_graph_edges_help(seed):
    data, graph = "data=digit_graph", ("model=gcn", "trainer.max_epochs=100")
    with_edges, _ = product.train(*graph, data, f"seed={seed}")
    alone, _ = product.train(*graph, data, "model.neighbors=false", f"seed={seed}")
    assert with_edges.history[-1]["accuracy/val"] > alone.history[-1]["accuracy/val"] + 0.03
