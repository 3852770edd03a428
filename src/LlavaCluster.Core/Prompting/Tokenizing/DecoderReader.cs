using System.Text.Json;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>Reads the <c>decoder</c> of a tokenizer.json.</summary>
internal sealed class DecoderReader(Func<string, Exception> refuse)
{
    private readonly List<Func<DecodeStage, DecodeStage>> _steps = [];
    private bool _fused;

    /// <summary>The steps, in order.</summary>
    public IReadOnlyList<Func<DecodeStage, DecodeStage>> Read(JsonElement? decoder)
    {
        if (decoder is not { } json)
        {
            return [next => new SpacedStage(next)];
        }

        Add(json);
        return _steps;
    }

    private void Add(JsonElement json)
    {
        var type = json.GetProperty("type").GetString();
        switch (type)
        {
            case "Sequence":
                foreach (var part in json.GetProperty("decoders").EnumerateArray())
                {
                    Add(part);
                }

                break;
            case "Replace":
                var (pattern, content) = (JsonTokenizerReader.ReadPattern(json, refuse), JsonTokenizerReader.GetText(json, "content"));
                BeforeFuse($"Replace of \"{pattern}\"", allowed: pattern.Length == 1);
                _steps.Add(next => new ReplaceStage(pattern, content, next));
                break;
            case "ByteFallback":
                BeforeFuse(type, allowed: false);
                _steps.Add(next => new ByteFallbackStage(next));
                break;
            case "Fuse":
                _fused = true;
                _steps.Add(next => new FuseStage(next));
                break;
            case "Strip":
                AddStrip(json);
                break;
            case "Metaspace":
                BeforeFuse(type, allowed: false);
                var mark = JsonTokenizerReader.ReadCharacter(json, "replacement", '▁', refuse);
                var scheme = JsonTokenizerReader.ReadScheme(json, refuse);
                _steps.Add(next => new MetaspaceStage(mark, scheme, next));
                break;
            default:
                throw refuse($"a decoder of type {type} is not known; this program reads Sequence, Replace, ByteFallback, Fuse, Strip and Metaspace");
        }
    }

    private void AddStrip(JsonElement json)
    {
        var content = JsonTokenizerReader.ReadCharacter(json, "content", ' ', refuse);
        var (start, stop) = (json.GetProperty("start").GetInt32(), json.GetProperty("stop").GetInt32());
        if (_fused)
        {
            _steps.Add(next => new StripTextStage(content, start, stop, next));
        }
        else
        {
            _steps.Add(next => new StripTokenStage(content, start, stop, next));
        }
    }

    /// <summary>What looks at whole tokens cannot stand after Fuse, where text arrives in stretches.</summary>
    private void BeforeFuse(string step, bool allowed)
    {
        if (_fused && !allowed)
        {
            throw refuse($"the decoder's {step} after Fuse is not known; this program reads it before Fuse");
        }
    }
}
