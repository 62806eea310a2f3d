"""Compose a config from parts that are kept: Hydra reads the same yaml files for each test.

Hydra composes in three steps: it finds the files that the groups of a command line name, merges them, and
sets the values of the command line. The first two depend on the groups alone, and take four fifths of the
time. So they are done once for each choice of groups. A folder of the user, which a test may change, is
always read.
"""

import copy
from dataclasses import replace

import pytest
from hydra._internal import config_loader_impl
from hydra._internal.config_loader_impl import ConfigLoaderImpl

find_files = config_loader_impl.create_defaults_list
merge_files = ConfigLoaderImpl._compose_config_from_defaults_list


def keep_parts(patch: pytest.MonkeyPatch) -> None:
    """Let Hydra keep what it has found and merged."""
    found, merged = {}, {}

    def changes(repo) -> bool:
        return any(source.scheme() == "file" for source in repo.get_sources())

    def find(repo, config_name, overrides_list, **options):
        if changes(repo):
            return find_files(repo, config_name, overrides_list, **options)
        groups, values = [], []
        for each in overrides_list:
            sets_value = isinstance(each.value(), dict) or not repo.group_exists(each.key_or_group)
            (values if sets_value else groups).append(each)
        key = (config_name, *options.items(), *(each.input_line for each in groups))
        if key not in found:
            found[key] = find_files(repo, config_name, groups, **options)
        return replace(found[key], config_overrides=[each for each in values if not each.is_sweep_override()])

    def merge(self, defaults, repo):
        if changes(repo):
            return merge_files(self, defaults, repo)
        key = str(defaults)
        if key not in merged:
            merged[key] = merge_files(self, defaults, repo)
        return copy.deepcopy(merged[key])

    patch.setattr(config_loader_impl, "create_defaults_list", find)
    patch.setattr(ConfigLoaderImpl, "_compose_config_from_defaults_list", merge)
