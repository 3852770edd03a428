using System.Text.Json;

namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>Reads the <c>post_processor</c> of a tokenizer.json: the ids around a text.</summary>
internal sealed class PostProcessorReader(Func<string, Exception> refuse)
{
    /// <summary>Ids before and after a single text.</summary>
    public (IReadOnlyList<int> Before, IReadOnlyList<int> After) Read(JsonElement? processor)
    {
        var (before, after) = (new List<int>(), new List<int>());
        Read(processor, before, after);
        return before.Count <= 1
            ? (before, after)
            : throw refuse($"post_processor puts {before.Count} ids before a text; this program knows one, the beginning of a sequence");
    }

    private void Read(JsonElement? processor, List<int> before, List<int> after)
    {
        if (processor is not { } json)
        {
            return;
        }

        var type = json.GetProperty("type").GetString();
        if (type == "Sequence")
        {
            foreach (var part in json.GetProperty("processors").EnumerateArray())
            {
                Read(part, before, after);
            }
        }
        else if (type == "TemplateProcessing")
        {
            ReadTemplate(json, before, after);
        }
        else
        {
            throw refuse($"a post_processor of type {type} is not known; this program reads TemplateProcessing and Sequence");
        }
    }

    private void ReadTemplate(JsonElement json, List<int> before, List<int> after)
    {
        // Within a Sequence a later template goes around what the earlier one made.
        var (front, back, texts) = (new List<int>(), new List<int>(), 0);
        foreach (var part in json.GetProperty("single").EnumerateArray())
        {
            if (part.TryGetProperty("SpecialToken", out var special))
            {
                var ids = json.GetProperty("special_tokens").GetProperty(JsonTokenizerReader.GetText(special, "id")).GetProperty("ids");
                (texts == 0 ? front : back).AddRange(ids.EnumerateArray().Select(id => id.GetInt32()));
            }
            else if (part.TryGetProperty("Sequence", out _))
            {
                texts++;
            }
        }

        if (texts != 1)
        {
            throw refuse($"post_processor names the text {texts} times in \"single\"; once is known");
        }

        before.InsertRange(0, front);
        after.AddRange(back);
    }
}
