"""The scripts that teach shells our commands: click's for fish, and for zsh almost, and our own for bash.

bash ends a word at a colon, and our queries and keys have colons: the script asks with the line as it stands, and
gives back what follows the last colon. A word that ends with a colon is not complete: no space follows it.
"""

import os

from click.shell_completion import (
    BashComplete,
    ShellComplete,
    ZshComplete,
    get_completion_class,
    split_arg_string,
)

_BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' line=${COMP_LINE:0:COMP_POINT} word before='' each type value
    word=${line##*[[:space:]]}
    if [[ $COMP_WORDBREAKS == *:* && $word == *:* && $word != [\\'\\"]* ]]; then
        before=${word%%"${word##*:}"}
    fi
    COMPREPLY=()
    for each in $(env COMP_WORDS="$line" %(complete_var)s=bash_complete "$1"); do
        IFS=',' read -r type value <<< "$each"
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$before"}") ;;
        esac
    done
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]]; then
        compopt -o nospace
    fi
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class Bash(BashComplete):
    """Completion for bash, whole words at a time."""

    source_template = _BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_WORDS"]
        words = split_arg_string(line)[1:]
        if not words or line[-1:].isspace():
            return words, ""
        return words[:-1], words[-1].lstrip("'\"")


class Zsh(ZshComplete):
    """Completion for zsh, without a space behind a colon."""

    source_template = ZshComplete.source_template.replace(
        "compadd -U -V unsorted -a completions",
        "compadd -U -V unsorted -S '' -- ${(M)completions:#*:}\n        compadd -U -V unsorted -- ${completions:#*:}",
    )


_OURS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh}


def completion_of(shell: str) -> type[ShellComplete] | None:
    """Return how a shell is completed, None for one that nobody knows."""
    return _OURS.get(shell) or get_completion_class(shell)
