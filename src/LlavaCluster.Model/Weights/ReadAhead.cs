namespace LlavaCluster.Model.Weights;

/// <summary>
/// Lets the kernel fetch what will be read next while the present is being copied. Modules ask for their tensors in an order of
/// their own, which is the files' order roughly but not exactly, so the plan follows the files: whatever is read, what lies
/// behind it is advised, a bounded distance ahead.
/// </summary>
internal sealed class ReadAhead
{
    /// <summary>Bytes that are on their way at most.</summary>
    private const long Distance = 256 << 20;

    private readonly List<(string File, SliceRuns Runs)> _plan = [];
    private readonly Dictionary<(string File, long First), int> _places = [];
    private int _advised;

    /// <summary>Sets what will be read, in any order.</summary>
    public void Plan(IEnumerable<(string File, SliceRuns Runs)> ranges)
    {
        _plan.Clear();
        _places.Clear();
        _advised = 0;
        _plan.AddRange(ranges.OrderBy(r => r.File, StringComparer.Ordinal).ThenBy(r => r.Runs.First));
        for (var i = 0; i < _plan.Count; i++)
        {
            _places[(_plan[i].File, _plan[i].Runs.First)] = i;
        }
    }

    /// <summary>Names the ranges to advise, now that one is about to be read. Each is named once.</summary>
    public IEnumerable<(string File, SliceRuns Runs)> After(string file, SliceRuns runs)
    {
        if (!_places.TryGetValue((file, runs.First), out var place))
        {
            yield break;
        }

        long ahead = 0;
        for (var i = place; i < _plan.Count && ahead < Distance; i++)
        {
            ahead += _plan[i].Runs.Length;
            if (i >= _advised)
            {
                _advised = i + 1;
                yield return _plan[i];
            }
        }
    }
}
