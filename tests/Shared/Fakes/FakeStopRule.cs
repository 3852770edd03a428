using LlavaCluster.Core.Engine;

namespace LlavaCluster.Tests.Fakes;

/// <summary>Every token is one word, which is held back until the next one comes; some ids end the answer.</summary>
internal sealed class FakeStopRule(Func<int, bool>? isEnd = null) : IStopRule
{
    private string _held = "";

    public static string TextOf(IEnumerable<int> ids) => string.Concat(ids.Select(id => $"w{id} "));

    public StopVerdict Push(int id)
    {
        if (isEnd?.Invoke(id) == true)
        {
            return new StopVerdict("", StopOutcome.EndOfSequence);
        }

        var text = _held;
        _held = $"w{id} ";
        return new StopVerdict(text, StopOutcome.GoesOn);
    }

    public string Flush()
    {
        var text = _held;
        _held = "";
        return text;
    }
}
