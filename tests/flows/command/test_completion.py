"""The scripts are written from the parser, and the shells understand them."""

import shutil
import subprocess

import pytest

from flows.command.completion import completion_script
from flows.command.parser import command_parser


def completed(*words: str) -> set[str]:
    """Let bash complete the last of some words after the command's name."""
    typed = " ".join(f"'{word}'" for word in ("linear-neuron", *words))
    lines = [
        completion_script("bash", command_parser()),
        f'COMP_WORDS=({typed}); COMP_CWORD={len(words)}; _linear_neuron; echo "${{COMPREPLY[@]}}"',
    ]
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["pre"], {"predict"}),
        (["cache", ""], {"list", "verify", "clean", "--help"}),
        (["cache", "clean", "--older"], {"--older-than"}),
        (["run", "--epo"], {"--epochs"}),
        (["run", "--preset", ""], {"default", "article", "course"}),
        (["run", "--data", "no-such-file"], set()),
        (["completion", "f"], {"fish"}),
    ],
)
def test_bash_completes_commands_flags_and_choices(words: list[str], found: set[str]) -> None:
    assert completed(*words) == found


def test_every_command_has_its_flags_in_fish() -> None:
    lines = completion_script("fish", command_parser()).splitlines()
    run = "complete -c linear-neuron -n '__fish_seen_subcommand_from run'"
    assert f"{run} -l epochs -d 'Passes over the training rows. [100]'" in lines
    cleaning = "-n '__fish_seen_subcommand_from cache; and __fish_seen_subcommand_from clean' -l max-size"
    assert any(cleaning in line for line in lines)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_shell_understands_its_script(shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here")
    script = completion_script(shell, command_parser())
    subprocess.run([shell, "-n"], input=script, text=True, check=True)
