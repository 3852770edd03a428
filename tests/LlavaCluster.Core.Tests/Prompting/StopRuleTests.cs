using System.Text;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Prompting;
using Xunit;

namespace LlavaCluster.Core.Tests.Prompting;

public sealed class StopRuleTests
{
    private const int Eos = -1;

    [Fact]
    public void Push_NoStopTexts_ShowsAllAtOnce()
    {
        var (shown, outcome, _) = Run("Hello there", []);

        Assert.Equal(["H", "e", "l", "l", "o", " ", "t", "h", "e", "r", "e"], shown);
        Assert.Equal(StopOutcome.GoesOn, outcome);
    }

    [Fact]
    public void Push_TextThatMayBecomeAStopText_WaitsUntilDecided()
    {
        var (shown, outcome, rest) = Run("a##b###c", ["###"]);

        Assert.Equal(["a", "", "", "##b", "", "", ""], shown);
        Assert.Equal(StopOutcome.StopText, outcome);
        Assert.Equal("", rest);
    }

    [Fact]
    public void Push_StopTextInTheMiddleOfAToken_EndsBeforeIt()
    {
        var rule = new StopRule([Eos], ["</s>"], new Words("one </s> two"));

        Assert.Equal(new StopVerdict("one ", StopOutcome.StopText), rule.Push(0));
        Assert.Equal("", rule.Flush());
    }

    [Fact]
    public void Push_EndOfSequence_GivesWhatWaitedAndNoTextOfItsOwn()
    {
        var rule = new StopRule([Eos, 99], ["abc"], new Words("xab"));

        Assert.Equal(new StopVerdict("x", StopOutcome.GoesOn), rule.Push(0));
        Assert.Equal(new StopVerdict("ab", StopOutcome.EndOfSequence), rule.Push(99));
        Assert.Equal("", rule.Flush());
    }

    [Fact]
    public void Flush_AfterTheLastToken_GivesWhatWaited()
    {
        var rule = new StopRule([Eos], ["abc"], new Words("xab"));
        rule.Push(0);

        Assert.Equal("ab", rule.Flush());
        Assert.Equal("", rule.Flush());
    }

    [Fact]
    public void Flush_TheDecodersRestCompletesAStopText_EndsBeforeIt()
    {
        var rule = new StopRule([Eos], ["\n"], new Words("a") { Rest = "b\nc" });
        rule.Push(0);

        Assert.Equal("b", rule.Flush());
    }

    [Fact]
    public void Push_AfterTheEnd_SaysSo()
    {
        var rule = new StopRule([Eos], [], new Words("a", "b"));
        rule.Push(Eos);

        var error = Assert.Throws<InvalidOperationException>(() => rule.Push(7));
        Assert.Equal("The answer has ended; token 7 cannot follow.", error.Message);
    }

    [Fact]
    public void New_EmptyStopText_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => new StopRule([Eos], ["a", ""], new Words()));
        Assert.StartsWith("A stop text is empty; it would end every answer before it begins.", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("xabcd", "abcd,bc", "xa")]
    [InlineData("xabcd", "abcd,cd", "x")]
    [InlineData("aab", "ab,aab", "")]
    [InlineData("ababac", "abac", "ab")]
    [InlineData("😁😀", "😀", "😁")]
    public void Push_SeveralStopTexts_TheOneThatEndsFirstCounts(string text, string stops, string expected)
    {
        var (shown, outcome, _) = Run(text, stops.Split(','));

        Assert.Equal(expected, string.Concat(shown));
        Assert.Equal(StopOutcome.StopText, outcome);
    }

    [Fact]
    public void Push_RandomTexts_ShowWhatASearchOfTheWholeShows()
    {
        var random = new Random(11);
        for (var round = 0; round < 3000; round++)
        {
            var text = Letters(random, random.Next(40));
            var stops = Enumerable.Range(0, random.Next(4)).Select(_ => Letters(random, random.Next(1, 5))).ToArray();
            var (shown, outcome, rest) = Run(text, stops, random);

            var end = Enumerable.Range(1, text.Length).FirstOrDefault(n => stops.Any(s => text[..n].EndsWith(s, StringComparison.Ordinal)));
            var expected = end == 0 ? text : text[..(end - stops.Where(s => text[..end].EndsWith(s, StringComparison.Ordinal)).Max(s => s.Length))];
            Assert.Equal(expected, string.Concat(shown) + rest);
            Assert.Equal(end > 0, outcome == StopOutcome.StopText);
        }
    }

    /// <summary>A stop text that always nearly fits must not be looked at anew with every token.</summary>
    [Fact]
    public void Push_LongStopTextThatNearlyFits_IsLinear()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var (shown, _, rest) = Run(new string('a', 300_000), [new string('a', 50_000) + "b"]);

        Assert.Equal(250_000, shown.Sum(s => s.Length));
        Assert.Equal(50_000, rest.Length);
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 10);
    }

    private static (List<string> Shown, StopOutcome Outcome, string Left) Run(string text, string[] stops, Random? random = null)
    {
        var tokens = new List<string>();
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(text.Length - at, random?.Next(1, 6) ?? (char.IsHighSurrogate(text[at]) ? 2 : 1));
            tokens.Add(text.Substring(at, length));
            at += length;
        }

        var rule = new StopRule([Eos], stops, new Words([.. tokens]));
        var shown = new List<string>();
        for (var i = 0; i < tokens.Count; i++)
        {
            var verdict = rule.Push(i);
            shown.Add(verdict.Text);
            if (verdict.Outcome != StopOutcome.GoesOn)
            {
                return (shown, verdict.Outcome, rule.Flush());
            }
        }

        return (shown, StopOutcome.GoesOn, rule.Flush());
    }

    private static string Letters(Random random, int count)
    {
        var text = new StringBuilder();
        for (var i = 0; i < count; i++)
        {
            text.Append((char)('a' + random.Next(3)));
        }

        return text.ToString();
    }

    /// <summary>Token i is the i-th word.</summary>
    private sealed class Words(params string[] words) : ITokenStreamDecoder
    {
        public string Rest { get; init; } = "";

        public string Push(int id) => words[id];

        public string Flush() => Rest;
    }
}
