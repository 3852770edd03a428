using TorchSharp;
using static TorchSharp.torch;

namespace LlavaCluster.Model.KvCache;

/// <summary>
/// The whole numbers of a step, collected on the host and sent to the device in one copy. To a GPU it goes from pinned memory and nobody
/// waits for it: a copy from plain memory would make the host wait for everything that is enqueued before it.
/// </summary>
/// <param name="count">How many there will be.</param>
internal sealed class StepNumbers(int count)
{
    private readonly long[] _numbers = new long[count];
    private Tensor? _sent;
    private int _used;

    /// <summary>Takes room for the next ones.</summary>
    /// <param name="count">How many.</param>
    /// <param name="part">What <see cref="Part"/> wants.</param>
    /// <returns>To be filled before they are sent.</returns>
    public Span<long> Take(int count, out Range part)
    {
        part = _used..(_used + count);
        _used += count;
        return _numbers.AsSpan(part);
    }

    /// <summary>Sends all of them, in the caller's dispose scope.</summary>
    public void Send(Device device)
    {
        if (device.type != DeviceType.CUDA)
        {
            _sent = tensor(_numbers, device: device);
            return;
        }

        // Torch keeps a pinned block until the copies from it are done, whenever its tensor goes.
        using var host = tensor(_numbers);
        using var pinned = host.pin_memory();
        _sent = pinned.to(device, non_blocking: true);
    }

    /// <summary>All of what was sent, int64; in the caller's dispose scope.</summary>
    public Tensor All => _sent!;

    /// <summary>Some of what was sent, int64, a view in the caller's dispose scope.</summary>
    public Tensor Part(Range part)
    {
        var (start, length) = part.GetOffsetAndLength(_numbers.Length);
        return _sent!.narrow(0, start, length);
    }
}
