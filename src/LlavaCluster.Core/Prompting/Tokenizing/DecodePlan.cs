namespace LlavaCluster.Core.Prompting.Tokenizing;

/// <summary>The steps of a tokenizer.json's decoder; makes their stages for one text. Immutable.</summary>
internal sealed class DecodePlan(IReadOnlyList<Func<DecodeStage, DecodeStage>> steps)
{
    /// <summary>Fresh stages: the first, which takes tokens, and the end, which has the text.</summary>
    public (DecodeStage First, TextSink Sink) Begin()
    {
        var sink = new TextSink();
        DecodeStage first = sink;
        foreach (var step in steps.Reverse())
        {
            first = step(first);
        }

        return (first, sink);
    }
}
