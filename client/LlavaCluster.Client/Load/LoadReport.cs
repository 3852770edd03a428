using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlavaCluster.Client.Load;

/// <summary>What a run measured. Pure.</summary>
internal sealed class LoadReport
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    private readonly IReadOnlyList<TurnRecord> _turns;
    private readonly IReadOnlyList<TurnRecord> _good;
    private readonly LoadPlan _plan;
    private readonly double _seconds;
    private readonly (string Name, string Key, Percentiles Times)[] _times;

    /// <summary>Of these turns.</summary>
    /// <param name="plan">The load.</param>
    /// <param name="turns">Turns that have ended.</param>
    /// <param name="elapsed">How long the run took.</param>
    public LoadReport(LoadPlan plan, IReadOnlyList<TurnRecord> turns, TimeSpan elapsed)
    {
        (_plan, _turns, _seconds) = (plan, turns, elapsed.TotalSeconds);
        _good = [.. turns.Where(turn => turn.Error is null)];
        _times =
        [
            ("time to first token", "ttft", Of(turn => turn.FirstToken)),
            ("  first turns, text", "ttft_first_text", Of(turn => turn.Number == 0 && !turn.HasImage ? turn.FirstToken : null)),
            ("  first turns, picture", "ttft_first_image", Of(turn => turn.Number == 0 && turn.HasImage ? turn.FirstToken : null)),
            ("  later turns", "ttft_later", Of(turn => turn.Number > 0 ? turn.FirstToken : null)),
            ("time per output token", "tpot", Of(turn => turn.PerToken)),
            ("between tokens", "inter_token", Percentiles.Of(_good.SelectMany(turn => turn.Gaps))),
            ("queued in the engine", "queued", Of(turn => turn.Queued)),
            ("prompt in the engine", "prefill", Of(turn => turn.Prefill)),
        ];
    }

    private int Failed => _turns.Count - _good.Count;

    private int Tokens => _good.Sum(turn => turn.Tokens);

    /// <summary>Turns that kept both goals.</summary>
    private int WithinGoals => _good.Count(turn => turn.FirstToken <= _plan.FirstTokenGoal && !(turn.PerToken > _plan.PerTokenGoal));

    /// <summary>For people.</summary>
    public void Print(TextWriter output)
    {
        output.WriteLine(Invariant($"turns                    {_good.Count} answered, {Failed} failed, in {_seconds:f1} s"));
        output.WriteLine(Invariant($"throughput               {_good.Count / _seconds:f2} turns/s, {Tokens / _seconds:f1} tokens/s"));
        output.WriteLine(Invariant(
            $"goodput                  {WithinGoals / _seconds:f2} turns/s with a first token in {_plan.FirstTokenGoal.TotalSeconds:g3} s and {_plan.PerTokenGoal.TotalSeconds:g3} s per token ({Share(WithinGoals, _turns.Count):p1} of all)"));
        output.WriteLine(Invariant($"prompt tokens cached     {HitRate(_ => true):p1} (first turns {HitRate(t => t.Number == 0):p1}, later {HitRate(t => t.Number > 0):p1})"));
        output.WriteLine();
        output.WriteLine($"{"seconds",-24} {"p50",9} {"p90",9} {"p99",9} {"count",8}");
        foreach (var (name, _, times) in _times.Where(row => row.Times.Count > 0))
        {
            output.WriteLine(Invariant($"{name,-24} {times.At(50),9:f4} {times.At(90),9:f4} {times.At(99),9:f4} {times.Count,8}"));
        }

        foreach (var (error, count) in _turns.Select(turn => turn.Error).OfType<string>().CountBy(error => error))
        {
            output.WriteLine(Invariant($"{count} × {error}"));
        }
    }

    /// <summary>For programs.</summary>
    public string Json()
    {
        var json = new JsonObject
        {
            ["seconds"] = Math.Round(_seconds, 3),
            ["turns"] = _turns.Count,
            ["failed"] = Failed,
            ["tokens"] = Tokens,
            ["turns_per_second"] = Math.Round(_good.Count / _seconds, 4),
            ["tokens_per_second"] = Math.Round(Tokens / _seconds, 3),
            ["goodput_turns_per_second"] = Math.Round(WithinGoals / _seconds, 4),
            ["cached_share"] = Math.Round(HitRate(_ => true), 4),
            ["cached_share_first"] = Math.Round(HitRate(t => t.Number == 0), 4),
            ["cached_share_later"] = Math.Round(HitRate(t => t.Number > 0), 4),
        };
        foreach (var (_, key, times) in _times)
        {
            json[key] = new JsonObject
            {
                ["p50"] = Math.Round(times.At(50), 6),
                ["p90"] = Math.Round(times.At(90), 6),
                ["p99"] = Math.Round(times.At(99), 6),
                ["count"] = times.Count,
            };
        }

        return json.ToJsonString(Indented);
    }

    private Percentiles Of(Func<TurnRecord, TimeSpan?> time) => Percentiles.Of(_good.Select(time).OfType<TimeSpan>());

    private double HitRate(Func<TurnRecord, bool> which) =>
        Share(_good.Where(which).Sum(turn => turn.CachedTokens), _good.Where(which).Sum(turn => turn.PromptTokens));

    private static double Share(int part, int whole) => whole == 0 ? 0 : (double)part / whole;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
