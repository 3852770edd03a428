using System.Buffers;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Core.Sampling;

/// <summary>
/// Chooses the next token from a row of logits. Pure: the same row and request give the same token on any machine. The steps, in
/// the order of transformers' <c>generate</c>: (1) logit bias, (2) repetition, presence and frequency penalty, (3) temperature,
/// (4) top-k, (5) top-p, (6) min-p, (7) draw. Any thread.
/// </summary>
public static class TokenSampler
{
    /// <summary>Chooses one token.</summary>
    /// <param name="logits">[vocabulary], the model's own. Not changed.</param>
    /// <param name="request">Options, history and the place that randomness depends on.</param>
    /// <param name="placeholderId">Id of image tokens: no penalty counts it. −1: there is none.</param>
    /// <exception cref="BadLogitsException">A logit is not a number or infinite.</exception>
    public static SampledToken Sample(ReadOnlySpan<float> logits, SampleRequest request, int placeholderId)
    {
        var options = request.Options;
        var max = SoftMax.CheckedMax(logits);
        var id = Choose(logits, request, placeholderId);
        var logSum = max + Math.Log(SoftMax.SumExp(logits, max));
        return new SampledToken(id, (float)(logits[id] - logSum), TopLogProbs(logits, options.LogProbs ?? 0, logSum));
    }

    /// <summary>The probabilities from which step 7 draws; greedy requests have all of it on one token.</summary>
    /// <param name="logits">[vocabulary]. Not changed.</param>
    /// <param name="options">The turn's sampling options.</param>
    /// <param name="promptIds">Ids before the answer.</param>
    /// <param name="generatedIds">Ids of the answer so far.</param>
    /// <param name="placeholderId">Id of image tokens, or −1.</param>
    /// <param name="probabilities">[vocabulary], written.</param>
    public static void Probabilities(
        ReadOnlySpan<float> logits,
        SamplingOptions options,
        ReadOnlyMemory<int> promptIds,
        ReadOnlyMemory<int> generatedIds,
        int placeholderId,
        Span<double> probabilities)
    {
        probabilities.Clear();
        SoftMax.CheckedMax(logits);
        var request = new SampleRequest(options, 0, 0, 0, promptIds, generatedIds);
        if (options.Temperature == 0)
        {
            probabilities[Choose(logits, request, placeholderId)] = 1;
            return;
        }

        var row = ArrayPool<float>.Shared.Rent(logits.Length);
        using var candidates = Narrow(logits, row.AsSpan(0, logits.Length), request, placeholderId);
        var values = new double[candidates.Count];
        candidates.Probabilities(values);
        for (var i = 0; i < values.Length; i++)
        {
            probabilities[candidates.Ids[i]] = values[i];
        }

        ArrayPool<float>.Shared.Return(row);
    }

    private static int Choose(ReadOnlySpan<float> logits, SampleRequest request, int placeholderId)
    {
        if (request.Options.Temperature == 0 && LogitRules.ChangeNothing(request.Options))
        {
            return ArgMax(logits);
        }

        var buffer = ArrayPool<float>.Shared.Rent(logits.Length);
        try
        {
            var row = buffer.AsSpan(0, logits.Length);
            if (request.Options.Temperature == 0)
            {
                logits.CopyTo(row);
                LogitRules.Apply(row, request.Options, request.PromptIds.Span, request.GeneratedIds.Span, placeholderId);
                return ArgMax(row);
            }

            using var candidates = Narrow(logits, row, request, placeholderId);
            return candidates.Draw(CounterRandom.Uniform(request.Seed, request.Turn, request.Index));
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    /// <summary>Steps 1 to 6.</summary>
    private static CandidateSet Narrow(ReadOnlySpan<float> logits, Span<float> row, SampleRequest request, int placeholderId)
    {
        var options = request.Options;
        logits.CopyTo(row);
        LogitRules.Apply(row, options, request.PromptIds.Span, request.GeneratedIds.Span, placeholderId);
        // Taking the maximum off first changes no probability, and no temperature can overflow.
        var max = SoftMax.CheckedMax(row);
        foreach (ref var logit in row)
        {
            logit = (logit - max) / options.Temperature;
        }

        var candidates = new CandidateSet(row, 0);
        candidates.KeepTopK(options.TopK);
        candidates.KeepTopP(options.TopP);
        candidates.KeepMinP(options.MinP);
        return candidates;
    }

    /// <summary>The lowest id among the largest, as torch.argmax gives it.</summary>
    private static int ArgMax(ReadOnlySpan<float> row) => SoftMax.IndexOf(row, SoftMax.CheckedMax(row));

    /// <summary>The n most probable tokens, best first, lower ids first among equals: a heap of n, one pass.</summary>
    private static IReadOnlyList<(int Id, float LogProb)> TopLogProbs(ReadOnlySpan<float> logits, int count, double logSum)
    {
        count = Math.Min(count, logits.Length);
        if (count <= 0)
        {
            return [];
        }

        // The worst of the heap lies on top.
        var heap = new PriorityQueue<int, (float Logit, int MinusId)>(count);
        for (var id = 0; id < logits.Length; id++)
        {
            if (heap.Count < count)
            {
                heap.Enqueue(id, (logits[id], -id));
            }
            else if (heap.TryPeek(out _, out var worst) && logits[id] > worst.Logit)
            {
                heap.DequeueEnqueue(id, (logits[id], -id));
            }
        }

        var top = new (int Id, float LogProb)[count];
        for (var i = count - 1; i >= 0; i--)
        {
            var id = heap.Dequeue();
            top[i] = (id, (float)(logits[id] - logSum));
        }

        return top;
    }
}
