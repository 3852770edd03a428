using System.Collections.Concurrent;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Sampling;
using LlavaCluster.Core.Scheduling;
using LlavaCluster.Core.Tiering;

namespace LlavaCluster.Tests.Fakes;

/// <summary>
/// A runner that keeps the real rules: it computes only on positions that it finds in the blocks named, refuses plans that leave gaps or
/// name images it does not have, and answers by <see cref="FakeModel"/> from what the blocks hold.
/// </summary>
internal sealed class FakeModelRunner(RunnerCapacity capacity, int rank = 0) : IModelRunner
{
    private readonly (int Position, ulong State)[] _cells =
        [.. Enumerable.Repeat((-1, 0UL), capacity.BlockCount * capacity.BlockTokens)];

    private readonly HashSet<ImageHash> _images = [];
    private int? _thread;

    /// <summary>Called with every plan before it is run; may block or throw.</summary>
    public Action<StepPlan>? BeforeStep { get; set; }

    /// <summary>Every plan that was run.</summary>
    public ConcurrentQueue<StepPlan> Plans { get; } = new();

    /// <summary>Every call, in order.</summary>
    public ConcurrentQueue<string> Calls { get; } = new();

    public bool IsDisposed { get; private set; }

    public RunnerCapacity Capacity { get; } = capacity;

    public IBlockMover? Mover { get; set; }

    public bool MovesKv { get; set; } = true;

    public IBlockBytes? Bytes => MovesKv ? new FakeBlockBytes(this) : null;

    /// <summary>All that a block holds; shared.</summary>
    public Span<(int Position, ulong State)> Block(int block) => _cells.AsSpan(block * Capacity.BlockTokens, Capacity.BlockTokens);

    /// <summary>What a place of a block holds.</summary>
    public (int Position, ulong State) this[int block, int place] => _cells[(block * Capacity.BlockTokens) + place];

    public void LoadImage(ImageFeatures features)
    {
        CheckThread();
        Calls.Enqueue($"load {features.Image.Hex[..8]}");
        if (features.Data.Length != features.ExpectedBytes)
        {
            throw new InvalidOperationException($"Features have {features.Data.Length} bytes, not {features.ExpectedBytes}.");
        }

        if (!_images.Add(features.Image))
        {
            throw new InvalidOperationException($"Image {features.Image} was loaded twice.");
        }
    }

    public void ForgetImage(ImageHash image)
    {
        CheckThread();
        Calls.Enqueue($"forget {image.Hex[..8]}");
        _images.Remove(image);
    }

    public StepOutput Run(StepPlan plan)
    {
        CheckThread();
        BeforeStep?.Invoke(plan);
        Plans.Enqueue(plan.Copy());
        Calls.Enqueue($"run {plan.Step}");
        foreach (var (from, to) in plan.BlockCopies)
        {
            Array.Copy(_cells, from * Capacity.BlockTokens, _cells, to * Capacity.BlockTokens, Capacity.BlockTokens);
        }

        var tokens = new List<SampledToken>();
        foreach (var slice in plan.Slices)
        {
            Write(slice);
        }

        foreach (var slice in plan.Slices.Where(s => s.Sample is not null && rank == 0))
        {
            tokens.Add(Sample(slice));
        }

        return new StepOutput(tokens);
    }

    public void Dispose()
    {
        CheckThread();
        IsDisposed = true;
    }

    private void Write(SequenceSlice slice)
    {
        var end = slice.Start + slice.TokenIds.Length;
        if (slice.Blocks.Count * Capacity.BlockTokens < end)
        {
            throw new InvalidOperationException($"{slice.Blocks.Count} blocks do not cover {end} positions.");
        }

        if (slice.TokenIds.Length == 0)
        {
            throw new InvalidOperationException("An empty slice.");
        }

        var state = slice.Start == 0 ? 0 : Read(slice, slice.Start - 1);
        for (var i = 0; i < slice.TokenIds.Length; i++)
        {
            state = FakeModel.State(state, ContentAt(slice, i));
            _cells[Cell(slice, slice.Start + i)] = (slice.Start + i, state);
        }
    }

    private ulong ContentAt(SequenceSlice slice, int index)
    {
        foreach (var image in slice.Images)
        {
            if (index >= image.At && index < image.At + image.Count)
            {
                return _images.Contains(image.Image)
                    ? FakeModel.Content(image.Image, image.FirstToken + index - image.At)
                    : throw new InvalidOperationException($"Image {image.Image} is not loaded.");
            }
        }

        var id = slice.TokenIds.Span[index];
        return id == FakeModel.Placeholder
            ? throw new InvalidOperationException($"Position {slice.Start + index} is a placeholder without an image.")
            : FakeModel.Content(id);
    }

    private SampledToken Sample(SequenceSlice slice)
    {
        var end = slice.Start + slice.TokenIds.Length;
        ulong all = 0;
        for (var position = 0; position < end; position++)
        {
            all = FakeModel.Mix(all, Read(slice, position));
        }

        var sample = slice.Sample!;
        if (sample.PromptIds.Length + sample.GeneratedIds.Length != end || sample.Index != sample.GeneratedIds.Length)
        {
            throw new InvalidOperationException(
                $"Token {sample.Index} is asked with {sample.PromptIds.Length} + {sample.GeneratedIds.Length} ids at position {end}.");
        }

        var seed = sample.Options.Temperature > 0 ? sample.Seed : 0;
        return new SampledToken(FakeModel.Token(all, seed, sample.Index), -0.5f, []);
    }

    private ulong Read(SequenceSlice slice, int position)
    {
        var (written, state) = _cells[Cell(slice, position)];
        return written == position
            ? state
            : throw new InvalidOperationException(
                $"Position {position} is read from block {slice.Blocks[position / Capacity.BlockTokens]}, which holds position {written}.");
    }

    private int Cell(SequenceSlice slice, int position) =>
        (slice.Blocks[position / Capacity.BlockTokens] * Capacity.BlockTokens) + (position % Capacity.BlockTokens);

    private void CheckThread()
    {
        _thread ??= Environment.CurrentManagedThreadId;
        if (_thread != Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException("A runner belongs to one thread.");
        }
    }
}
