using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;

namespace LlavaCluster.Model.Tests.Golden;

/// <summary>Plans one golden case slice by slice, as a scheduler would, with blocks in no particular order.</summary>
internal sealed class PlannedSequence
{
    private readonly GoldenModel _model;
    private readonly GoldenCase _case;
    private readonly List<int> _ids;
    private readonly int[] _blocks;
    private readonly SamplingOptions _options;
    private int _done;

    /// <param name="model">The checkpoint.</param>
    /// <param name="golden">The case.</param>
    /// <param name="blocks">The blocks of this sequence, enough for all of it.</param>
    /// <param name="options">Null: greedy.</param>
    public PlannedSequence(GoldenModel model, GoldenCase golden, int[] blocks, SamplingOptions? options = null)
    {
        (_model, _case, _blocks, _options) = (model, golden, blocks, options ?? SamplingOptions.Greedy);
        _ids = [.. golden.TokenIds];
    }

    public List<SampledToken> Answer { get; } = [];

    /// <summary>The next slice: at most <paramref name="chunk"/> tokens of the prompt, or the last token of the answer.</summary>
    public SequenceSlice Next(int chunk)
    {
        var count = Math.Min(chunk, _ids.Count - _done);
        var end = _done + count;
        var images = new List<ImageSlice>();
        foreach (var (file, at, length) in _case.Images)
        {
            int first = Math.Max(at, _done), last = Math.Min(at + length, end);
            if (first < last)
            {
                var features = _model.Features(file);
                images.Add(new ImageSlice(features.Image, features.Width, features.Height, first - at, first - _done, last - first));
            }
        }

        var sample = end < _ids.Count ? null : new SampleRequest(
            _options, 7, 0, Answer.Count, _case.TokenIds, Answer.Select(token => token.Id).ToArray());
        var slice = new SequenceSlice(
            1, _done, _ids.GetRange(_done, count).ToArray(), images, _blocks[..((end + 15) / 16)], sample);
        _done = end;
        return slice;
    }

    /// <summary>Takes the token that the last slice asked for.</summary>
    public void Take(SampledToken token)
    {
        Answer.Add(token);
        _ids.Add(token.Id);
    }
}
