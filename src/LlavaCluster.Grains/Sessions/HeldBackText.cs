using LlavaCluster.Core.Prompting;

namespace LlavaCluster.Grains.Sessions;

/// <summary>What of an answer was not told when it was cut. Pure.</summary>
internal static class HeldBackText
{
    /// <summary>The text of these tokens behind the text that was told with them.</summary>
    public static string Of(ITokenizer tokenizer, IEnumerable<int> tokens, string told)
    {
        var whole = tokenizer.Decode([.. tokens], skipSpecial: true);
        return whole.StartsWith(told, StringComparison.Ordinal) ? whole[told.Length..] : "";
    }
}
