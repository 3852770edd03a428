using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Model.Kernels;
using LlavaCluster.Model.Language;

namespace LlavaCluster.Model;

/// <summary>Samples the rows of a step of the fast path, each by one worker. The answer is filled anew each step.</summary>
/// <param name="model">Has the logits.</param>
/// <param name="placeholderId">Id of image tokens.</param>
internal sealed class SampleRows(FastLanguageModel model, int placeholderId) : ParallelWork
{
    private readonly Answer _answer = new();
    private SampleRequest[] _requests = [];
    private StepOutput? _output;

    /// <inheritdoc/>
    public override int Items => _answer.Count;

    /// <summary>One token for each slice that samples.</summary>
    /// <param name="slices">The step.</param>
    /// <param name="rows">How many of them sample, at least 1.</param>
    /// <returns>Holds until the next call.</returns>
    public StepOutput Run(IReadOnlyList<SequenceSlice> slices, int rows)
    {
        _answer.Resize(rows);
        if (_requests.Length < rows)
        {
            _requests = new SampleRequest[2 * rows];
        }

        for (int i = 0, row = 0; i < slices.Count; i++)
        {
            if (slices[i].Sample is { } sample)
            {
                _requests[row++] = sample;
            }
        }

        model.Pool.Run(this);
        return _output ??= new StepOutput(_answer);
    }

    /// <inheritdoc/>
    public override void Do(int item, int worker) => _answer.Set(item, TokenSampler.Sample(model.Row(item), _requests[item], placeholderId));

    /// <summary>A list that workers fill in any order.</summary>
    private sealed class Answer : IReadOnlyList<SampledToken>
    {
        private SampledToken[] _tokens = [];

        public int Count { get; private set; }

        public SampledToken this[int index] => _tokens.AsSpan(0, Count)[index];

        public void Resize(int count)
        {
            Count = count;
            if (_tokens.Length < count)
            {
                _tokens = new SampledToken[2 * count];
            }
        }

        public void Set(int index, SampledToken token) => _tokens[index] = token;

        public IEnumerator<SampledToken> GetEnumerator() => _tokens.Take(Count).GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
