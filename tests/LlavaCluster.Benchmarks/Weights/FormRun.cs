using System.Diagnostics;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model;

namespace LlavaCluster.Benchmarks.Weights;

/// <summary>One form of a model's weights at work.</summary>
/// <param name="runner">The model; its kernels are fast.</param>
internal sealed class FormRun(ModelRunner runner)
{
    private long _step;

    /// <summary>
    /// Answers a prompt, and keeps the logits of every token. Given an answer, its tokens are taken instead of the own ones, so that all
    /// forms are asked the same.
    /// </summary>
    public (int[] Tokens, float[][] Logits) Answer(AskedPrompt prompt, int count, int[]? given)
    {
        foreach (var features in prompt.Features)
        {
            runner.LoadImage(features);
        }

        var (tokens, logits) = (new int[count], new float[count][]);
        int[] ids = prompt.Ids;
        for (int at = 0, start = 0; at < count; at++)
        {
            Step(start, ids, start == 0 ? prompt.Images : [], prompt.Ids.Length + count);
            logits[at] = runner.Fast!.Row(0).ToArray();
            tokens[at] = Array.IndexOf(logits[at], logits[at].Max());
            start += ids.Length;
            ids = [given?[at] ?? tokens[at]];
        }

        foreach (var features in prompt.Features)
        {
            runner.ForgetImage(features.Image);
        }

        return (tokens, logits);
    }

    /// <summary>The fastest step of decoding one sequence, at 128 tokens of context and a few more: what a neighbour disturbs is left out.</summary>
    /// <returns>Tokens a second.</returns>
    public double DecodeRate(int steps)
    {
        const int Context = 128, Tokens = 16;
        Step(0, [.. Enumerable.Range(0, Context).Select(i => 3 + (i * 37 % 200))], [], Context + Tokens);
        var best = double.MaxValue;
        for (var step = 0; step < steps; step++)
        {
            var begin = Stopwatch.GetTimestamp();
            Step(Context + (step % Tokens), [5 + (step % Tokens)], [], Context + Tokens);
            best = Math.Min(best, Stopwatch.GetElapsedTime(begin).TotalSeconds);
        }

        return 1 / best;
    }

    /// <summary>Prompt tokens a second, in one chunk.</summary>
    public double PromptRate(int tokens)
    {
        int[] ids = [.. Enumerable.Range(0, tokens).Select(i => 3 + (i * 37 % 200))];
        Step(0, ids, [], tokens);
        var begin = Stopwatch.GetTimestamp();
        Step(0, ids, [], tokens);
        return tokens / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    private void Step(int start, int[] ids, IReadOnlyList<ImageSlice> images, int length)
    {
        var sample = new SampleRequest(SamplingOptions.Greedy, 0, 0, 0, default, default);
        int[] blocks = [.. Enumerable.Range(0, (length + ModelRunner.BlockTokens - 1) / ModelRunner.BlockTokens)];
        runner.Run(new StepPlan(0, _step++, [new SequenceSlice(1, start, ids, images, blocks, sample)]));
    }
}
