using System.Globalization;
using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Scheduling;

/// <summary>Decides at once, before anything is queued, whether a sequence can ever be answered. Pure; any thread.</summary>
public static class AdmissionRule
{
    /// <summary>Most tokens that the answer may have, or why the sequence is refused.</summary>
    /// <param name="request">The sequence.</param>
    /// <param name="maxPositions">Longest sequence that the model takes, tokens.</param>
    /// <param name="longest">Longest sequence that model and KV blocks take, tokens.</param>
    /// <exception cref="SequenceRefusedException">Prompt and one token do not fit.</exception>
    public static int MaxTokens(SequenceRequest request, int maxPositions, int longest)
    {
        if (request.TokenIds.Count == 0)
        {
            throw new SequenceRefusedException(RefusalReason.NeverFits, "The prompt has no tokens; send at least one.");
        }

        if (TooLong(request.TokenIds.Count, request.Images.Sum(i => i.Length), maxPositions) is { } sentence)
        {
            throw new SequenceRefusedException(RefusalReason.NeverFits, sentence);
        }

        if (request.TokenIds.Count + 1 > longest)
        {
            throw new SequenceRefusedException(RefusalReason.NeverFits, string.Create(
                CultureInfo.InvariantCulture,
                $"Prompt has {request.TokenIds.Count:N0} tokens; the KV blocks of this replica hold {longest:N0}. Shorten the text or send fewer images."));
        }

        return Math.Min(request.MaxTokens, longest - request.TokenIds.Count);
    }

    /// <summary>Checks how many answers are asked for.</summary>
    /// <param name="choices">Answers.</param>
    /// <param name="maxWaiting">Sequences that may wait.</param>
    /// <exception cref="SequenceRefusedException">None, or more than the queue ever holds.</exception>
    public static void CheckChoices(int choices, int maxWaiting)
    {
        if (choices < 1 || choices > maxWaiting)
        {
            throw new SequenceRefusedException(
                RefusalReason.NeverFits, $"{choices} answers are asked for; this replica gives 1 to {maxWaiting}.");
        }
    }

    /// <summary>The sentence for a prompt that leaves the model no room for one token, or null when there is room.</summary>
    /// <param name="tokens">Tokens of the prompt, image tokens included.</param>
    /// <param name="imageTokens">Image tokens among them.</param>
    /// <param name="maxPositions">Longest sequence that the model takes, tokens.</param>
    public static string? TooLong(int tokens, int imageTokens, int maxPositions) => tokens + 1 <= maxPositions
        ? null
        : string.Create(
            CultureInfo.InvariantCulture,
            $"Prompt has {tokens:N0} tokens ({imageTokens:N0} from images); this model takes {maxPositions:N0}. Shorten the text or send fewer images.");
}
