using System.CommandLine;

namespace LlavaCluster.Client.Commands;

/// <summary>The option that says which server to talk to; the same for all commands.</summary>
internal sealed class ServerOption
{
    /// <summary>The option, for a command's list.</summary>
    public Option<string> Option { get; } = new("--server")
    {
        Description = "Address of a gateway's gRPC port.",
        DefaultValueFactory = _ => "http://127.0.0.1:5081",
    };

    /// <summary>A client for the address that was given.</summary>
    public LlavaClient Connect(ParseResult parsed)
    {
        var address = parsed.GetValue(Option)!;
        return Uri.TryCreate(address, UriKind.Absolute, out var server) && server.Scheme is "http" or "https"
            ? new LlavaClient(server)
            : throw new UserErrorException($"'{address}' is no server address. It looks like http://127.0.0.1:5081.");
    }
}
