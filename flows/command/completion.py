"""Scripts by which bash, zsh and fish complete commands, flags and choices; written from the parser itself."""

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

SHELLS = ("bash", "zsh", "fish")

_BASH = """_linear_neuron() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command=${{COMP_WORDS[1]}} words=
  [[ $command == cache ]] && (( COMP_CWORD > 2 )) && command="cache ${{COMP_WORDS[2]}}"
  (( COMP_CWORD == 1 )) && command=
  case "$command $before" in
{choices}
  esac
  if [[ -z $words && ( $word == -* || $command == "" || $command == cache || $command == completion ) ]]; then
    case "$command" in
{flags}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}}
complete -o default -F _linear_neuron linear-neuron"""

_ZSH = "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n"


@dataclass(frozen=True, slots=True)
class _Level:
    """A command as it is typed, empty for the program itself, with what may follow."""

    command: str
    words: dict[str, str]  # flags or commands, each with its help
    choices: dict[str, list[str]]  # by flag


def completion_script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Write the script of a shell, one of `SHELLS`."""
    levels = list(_levels(parser, ""))
    if shell == "fish":
        return "\n".join(["complete -c linear-neuron -f -n __fish_use_subcommand", *_fish(levels)])
    choices = [
        f"    {shlex.quote(f'{level.command} {flag}')}) words={shlex.quote(' '.join(words))};;"
        for level in levels
        for flag, words in level.choices.items()
    ]
    flags = [
        f"    {shlex.quote(level.command)}) words={shlex.quote(' '.join(level.words))};;" for level in levels
    ]
    script = _BASH.format(choices="\n".join(choices), flags="\n".join(f"  {line}" for line in flags))
    return (_ZSH if shell == "zsh" else "") + script


def _levels(parser: argparse.ArgumentParser, command: str) -> Iterator[_Level]:
    """Yield the parser's own words, and then those of each command below it."""
    words: dict[str, str] = {}
    choices: dict[str, list[str]] = {}
    below: dict[str, argparse.ArgumentParser] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            below = dict(action.choices)
            words |= {each.dest: each.help or "" for each in action._choices_actions}
        elif action.choices is not None:
            words |= dict.fromkeys(map(str, action.choices), "")
        else:
            words |= dict.fromkeys(
                (each for each in action.option_strings if each.startswith("--")), action.help or ""
            )
        if isinstance(action.metavar, str) and "|" in action.metavar:
            choices |= {flag: action.metavar.split("|") for flag in action.option_strings}
    yield _Level(command, words, choices)
    for name, sub in below.items():
        yield from _levels(sub, f"{command} {name}".strip())


def _fish(levels: list[_Level]) -> Iterator[str]:
    """Yield a line per word: `complete -c linear-neuron -n CONDITION -l FLAG -d HELP`."""
    for level in levels:
        names = level.command.split()
        seen = (
            "; and ".join(f"__fish_seen_subcommand_from {name}" for name in names) or "__fish_use_subcommand"
        )
        for word, help_text in level.words.items():
            what = f"-l {word[2:]}" if word.startswith("--") else f"-f -a {word}"
            values = f" -x -a {shlex.quote(' '.join(level.choices[word]))}" if word in level.choices else ""
            about = shlex.quote(help_text.replace("%%", "%"))
            yield f"complete -c linear-neuron -n {shlex.quote(seen)} {what}{values} -d {about}"
