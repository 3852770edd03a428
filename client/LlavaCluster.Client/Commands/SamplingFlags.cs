using System.CommandLine;
using LlavaCluster.Protos;

namespace LlavaCluster.Client.Commands;

/// <summary>Flags that say how an answer is made; the same for <c>ask</c> and <c>chat</c>.</summary>
internal sealed class SamplingFlags
{
    private readonly Option<int> _maxTokens = new("--max-tokens")
    {
        Description = "Most tokens of an answer.",
        DefaultValueFactory = _ => 256,
    };
    private readonly Option<float> _temperature = new("--temperature")
    {
        Description = "0 takes the most probable token each time.",
    };
    private readonly Option<float?> _topP = new("--top-p")
    {
        Description = "Only the most probable tokens that reach this together.",
    };
    private readonly Option<ulong?> _seed = new("--seed")
    {
        Description = "Makes answers repeatable at temperatures above 0.",
    };
    private readonly Option<string> _system = new("--system")
    {
        Description = "Instructions before the conversation.",
        DefaultValueFactory = _ => "",
    };

    /// <summary>Puts the flags on a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _maxTokens, _temperature, _topP, _seed, _system })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>A turn without parts, as the flags say.</summary>
    public ChatRequest Request(ParseResult parsed)
    {
        var sampling = new SamplingOptions { Temperature = parsed.GetValue(_temperature) };
        if (parsed.GetValue(_topP) is { } topP)
        {
            sampling.TopP = topP;
        }

        if (parsed.GetValue(_seed) is { } seed)
        {
            sampling.Seed = seed;
        }

        return new ChatRequest
        {
            MaxTokens = parsed.GetValue(_maxTokens),
            Sampling = sampling,
            System = parsed.GetValue(_system)!,
        };
    }
}
