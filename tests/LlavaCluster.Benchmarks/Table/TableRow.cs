namespace LlavaCluster.Benchmarks.Table;

/// <summary>One line of the table: something measured, its baseline in the same run, and the goal for their ratio.</summary>
/// <param name="name">Names it for <c>--only</c>.</param>
/// <param name="what">What is measured.</param>
/// <param name="goal">The ratio to reach.</param>
/// <param name="gpuGoal">The ratio to reach on a GPU; null: the same.</param>
internal abstract class TableRow(string name, string what, double goal, double? gpuGoal = null)
{
    /// <summary>Names it for <c>--only</c>.</summary>
    public string Name => name;

    /// <summary>What is measured.</summary>
    public string What => what;

    /// <summary>The ratio must not be above the goal; else not below it.</summary>
    public virtual bool AtMost => false;

    /// <summary>Needs a checkpoint of 14 GB: left out by <c>--quick</c>.</summary>
    public virtual bool Heavy => false;

    /// <summary>Says something about a CPU only.</summary>
    public virtual bool CpuOnly => false;

    /// <summary>Measures it.</summary>
    public abstract Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken);

    /// <summary>The ratio to reach on the run's device.</summary>
    public double Goal(TableRun run) => run.Device.IsCpu ? goal : gpuGoal ?? goal;

    /// <summary>Whether a ratio reaches the goal.</summary>
    public bool IsMet(TableRun run, double ratio) => AtMost ? ratio <= Goal(run) : ratio >= Goal(run);
}

/// <summary>What a row measured.</summary>
/// <param name="Measured">Ours.</param>
/// <param name="Baseline">What it is compared with.</param>
/// <param name="Unit">Unit of both.</param>
/// <param name="Ratio">Measured to baseline, unless the note says otherwise.</param>
/// <param name="Note">What else there is to say.</param>
internal sealed record RowResult(double Measured, double Baseline, string Unit, double Ratio, string Note = "");
