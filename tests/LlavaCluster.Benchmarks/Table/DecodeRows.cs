namespace LlavaCluster.Benchmarks.Table;

/// <summary>One sequence decodes: bytes of weights, keys and values that are read, beside plain reading.</summary>
internal sealed class DecodeRow(string name, int context, double goal)
    : TableRow(name, $"decode, 1 sequence, {context:N0} tokens of context", goal, gpuGoal: 0.80)
{
    /// <inheritdoc/>
    public override Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        using var model = new TimedModel(run, run.BenchCheckpoint(), 1, context + 1);
        using var reading = Baseline.Reading(run);
        model.Prompt(0, context);
        var bytes = Bytes(model, context);
        var (rate, read) = run.InTurn(() => bytes / model.Decode(1, context, run.Quick ? 8 : 16), reading.Rate);
        return Task.FromResult(new RowResult(rate / 1e9, read / 1e9, "GB/s", rate / read, $"{rate / bytes:F1} tokens/s"));
    }

    /// <summary>What a token reads: weights of 2 bytes, and the context's keys and values.</summary>
    internal static double Bytes(TimedModel model, int context)
        => 2.0 * (ModelWork.DecodeWeights(model.Config.Text) + ModelWork.ContextNumbers(model.Config.Text, context));
}

/// <summary>Sixteen sequences decode at once, beside one.</summary>
internal sealed class BatchRow() : TableRow("decode-16", "decode, 16 sequences together", 8)
{
    private const int Sequences = 16, Context = 128;

    /// <inheritdoc/>
    public override Task<RowResult> MeasureAsync(TableRun run, CancellationToken cancellationToken)
    {
        using var model = new TimedModel(run, run.BenchCheckpoint(), Sequences, Context + 1);
        for (var sequence = 0; sequence < Sequences; sequence++)
        {
            model.Prompt(sequence, Context);
        }

        var steps = run.Quick ? 8 : 16;
        var (all, one) = run.InTurn(
            () => Sequences / model.Decode(Sequences, Context, steps), () => 1 / model.Decode(1, Context, steps));
        return Task.FromResult(new RowResult(all, one, "tokens/s", all / one));
    }
}
