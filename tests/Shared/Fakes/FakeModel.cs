using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;

namespace LlavaCluster.Tests.Fakes;

/// <summary>
/// The "mathematics" of the fake model, free of any cache: the state at a position is a hash of all tokens up to it, images by hash and
/// offset; the next token is a hash of the states at all positions. One wrong block anywhere gives another token.
/// </summary>
internal static class FakeModel
{
    public const int Vocabulary = 1000;

    /// <summary>Ids below are never sampled; tests use them for end-of-sequence and placeholders.</summary>
    public const int FirstSampled = 10;

    /// <summary>Stands where an image's tokens stand.</summary>
    public const int Placeholder = 5;

    public static ulong State(ulong before, ulong content) => Mix(Mix(before, 0x9E3779B97F4A7C15UL), content);

    public static ulong Content(int id) => Mix(1, (ulong)id);

    public static ulong Content(ImageHash image, int offset) =>
        Mix(Mix(2, Convert.ToUInt64(image.Hex[..16], 16)), (ulong)offset);

    public static int Token(ulong allStates, ulong seed, int index) =>
        FirstSampled + (int)(Mix(Mix(allStates, seed), (ulong)index) % (Vocabulary - FirstSampled));

    /// <summary>The state at each position of these tokens, by the definition.</summary>
    public static ulong[] States(ReadOnlySpan<int> ids, IReadOnlyList<ImageSpan> images)
    {
        var states = new ulong[ids.Length];
        for (var i = 0; i < ids.Length; i++)
        {
            var span = images.FirstOrDefault(s => i >= s.Offset && i < s.End);
            states[i] = State(i == 0 ? 0 : states[i - 1], span is null ? Content(ids[i]) : Content(span.Image, i - span.Offset));
        }

        return states;
    }

    /// <summary>What the model answers, by the definition.</summary>
    public static int[] Answer(IReadOnlyList<int> prompt, IReadOnlyList<ImageSpan> images, int count, ulong seed = 0)
    {
        ulong state = 0, all = 0;
        var answer = new int[count];
        for (var i = 0; i < prompt.Count; i++)
        {
            var span = images.FirstOrDefault(s => i >= s.Offset && i < s.End);
            state = State(state, span is null ? Content(prompt[i]) : Content(span.Image, i - span.Offset));
            all = Mix(all, state);
        }

        for (var i = 0; i < count; i++)
        {
            answer[i] = Token(all, seed, i);
            state = State(state, Content(answer[i]));
            all = Mix(all, state);
        }

        return answer;
    }

    public static ulong Mix(ulong left, ulong right)
    {
        var mixed = (left ^ (right + 0x9E3779B97F4A7C15UL + (left << 6) + (left >> 2))) * 0xBF58476D1CE4E5B9UL;
        return mixed ^ (mixed >> 29);
    }
}
