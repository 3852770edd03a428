using System.Globalization;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Sessions;

/// <summary>What a turn must keep to by itself, whatever the session is. Pure.</summary>
public static class TurnRequestRule
{
    private const int MaxIdLength = 256;

    /// <summary>Throws for the first thing that is wrong; of sampling options for all that are.</summary>
    /// <exception cref="TurnRefusedException">InvalidArgument, with value, limit and way out.</exception>
    public static void Check(string session, TurnRequestMessage request, SessionOptions options)
    {
        CheckId("session", session);
        CheckId("turn", request.TurnId);
        Require(request.ResumeFrom >= 0, $"resume_from is {request.ResumeFrom}; it must be 0 or more.");
        Require(request.MaxTokens >= 0, $"max_tokens is {request.MaxTokens}; it must be 1 or more, or 0 for the default.");
        CheckParts(request, options);
        var mistakes = SamplingRule.Mistakes(request.Sampling, options);
        if (mistakes.Count > 0)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, string.Join(' ', mistakes));
        }
    }

    /// <summary>The sentence for too many images, or null.</summary>
    public static string? TooManyImages(int images, SessionOptions options) => images <= options.MaxImagesPerTurn
        ? null
        : Text($"The turn has {images} images; at most {options.MaxImagesPerTurn} are taken. Send fewer.");

    private static void CheckId(string what, string id)
    {
        Require(id.Length <= MaxIdLength, $"The {what} id has {id.Length:N0} characters; at most {MaxIdLength} are taken.");
        Require(!id.Any(char.IsControl), $"The {what} id has control characters; use letters, digits and punctuation.");
    }

    private static void CheckParts(TurnRequestMessage request, SessionOptions options)
    {
        var images = request.Parts.Count(part => part.Image is not null);
        Require(
            images > 0 || request.Parts.Any(part => !string.IsNullOrWhiteSpace(part.Text)),
            $"The turn is empty; send a text or an image.");
        if (TooManyImages(images, options) is { } sentence)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, sentence);
        }

        var length = request.Parts.Sum(part => (long)(part.Text?.Length ?? 0)) + (request.System?.Length ?? 0);
        Require(
            length <= options.MaxTextLength,
            $"The turn has {length:N0} characters; at most {options.MaxTextLength:N0} are taken. Shorten the text.");
        Require(
            request.Parts.All(part => part.Text is null != part.Image is null),
            $"A part of the turn has neither text nor image, or both; send one of the two.");
    }

    private static void Require(bool holds, FormattableString sentence)
    {
        if (!holds)
        {
            throw new TurnRefusedException(RefusalCode.InvalidArgument, Text(sentence));
        }
    }

    private static string Text(FormattableString sentence) => sentence.ToString(CultureInfo.InvariantCulture);
}
