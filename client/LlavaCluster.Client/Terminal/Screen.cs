using Spectre.Console;

namespace LlavaCluster.Client.Terminal;

/// <summary>The terminal of a chat: answers plain, the program's own words in colour where there is colour.</summary>
internal sealed class Screen
{
    private readonly IAnsiConsole _console;

    /// <summary>Writes to <paramref name="output"/>; colours only when it is a terminal.</summary>
    public Screen(TextWriter output)
    {
        Output = output;
        _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (!_console.Profile.Out.IsTerminal)
        {
            _console.Profile.Width = short.MaxValue; // a file has no edge to wrap at
        }
    }

    /// <summary>Where answers go.</summary>
    public TextWriter Output { get; }

    /// <summary>Asks for the next line.</summary>
    public void Prompt()
    {
        _console.Markup("[bold green]>[/] ");
        Output.Flush();
    }

    /// <summary>Tells something.</summary>
    public void Note(string text) => _console.MarkupLineInterpolated($"[grey]{text}[/]");

    /// <summary>Tells that something went wrong.</summary>
    public void Error(string text) => _console.MarkupLineInterpolated($"[red]{text}[/]");
}
