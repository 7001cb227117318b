namespace Cortex.Cli.Completing;

/// <summary>What a shell loads. It only asks <see cref="Completion"/>, so that there is nothing in it to grow old.</summary>
internal static class CompletionScript
{
    /// <summary>To be sourced from ~/.bashrc.</summary>
    public const string Bash = """
        # bash completion for cortex. Load it with: source <(cortex completion bash)
        _cortex() {
          local current="${COMP_WORDS[COMP_CWORD]}" program="${COMP_WORDS[0]}" found
          [[ "$program" != cx ]] || program=cortex
          found=$("$program" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
          if [[ "$found" == :files ]]; then
            compopt -o filenames 2>/dev/null
            found=$(compgen -f -- "$current")
          fi
          COMPREPLY=()
          [[ -z "$found" ]] || mapfile -t COMPREPLY <<<"$found"
        }

        complete -F _cortex cortex
        alias cx='cortex'
        complete -F _cortex cx

        """;

    /// <summary>To be sourced from ~/.zshrc.</summary>
    public const string Zsh = """
        # zsh completion for cortex. Load it with: source <(cortex completion zsh)
        _cortex() {
          local program="$words[1]"
          [[ "$program" != cx ]] || program=cortex
          local -a found
          found=("${(@f)$("$program" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
          if [[ "$found" == :files ]]; then
            _files
          else
            compadd -- ${found:#}
          fi
        }

        (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
        compdef _cortex cortex
        alias cx='cortex'
        compdef _cortex cx

        """;

    /// <summary>To be sourced from ~/.config/fish/config.fish.</summary>
    public const string Fish = """
        # fish completion for cortex. Load it with: cortex completion fish | source
        function __cortex_complete
          set -l current (commandline -ct)
          set -l words (commandline -opc) "$current"
          set -l found (cortex __complete $words[2..-1] 2>/dev/null)
          if test "$found" = :files
            __fish_complete_path "$current"
          else
            printf '%s\n' $found
          end
        end

        complete -c cortex -f -a '(__cortex_complete)'
        alias cx cortex
        complete -c cx -f -a '(__cortex_complete)'

        """;
}
