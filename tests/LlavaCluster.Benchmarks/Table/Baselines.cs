using System.Diagnostics;
using System.Runtime.InteropServices;
using LlavaCluster.Benchmarks.Kernels;
using LlavaCluster.Model.Kernels;
using static TorchSharp.torch;

namespace LlavaCluster.Benchmarks.Table;

/// <summary>What a row is compared with, measured in the same run.</summary>
internal abstract class Baseline : IDisposable
{
    /// <summary>How fast the device's memory is read, bytes per second.</summary>
    public static Baseline Reading(TableRun run) => run.Device.IsCpu ? new HostReading(run.Threads) : new DeviceCopy(run.Device.Device);

    /// <summary>How fast the device multiplies matrices, operations per second.</summary>
    public static Baseline Product(TableRun run) => run.Device.IsCpu
        ? new TorchProduct(run.Device.Device, rows: 512, side: 4096)
        : new TorchProduct(run.Device.Device, rows: 8192, side: 8192);

    /// <summary>Measures it once.</summary>
    public abstract double Rate();

    /// <inheritdoc/>
    public abstract void Dispose();
}

/// <summary>Host memory: our own streaming read of far more than the caches hold.</summary>
internal sealed unsafe class HostReading(int threads) : Baseline
{
    private const long Bytes = 384L << 20;

    private readonly byte* _memory = StreamingRead.Reserve(Bytes);

    /// <inheritdoc/>
    public override double Rate()
    {
        var reading = new StreamingRead(_memory, Bytes);
        var start = Stopwatch.GetTimestamp();
        WorkerPool.Of(threads).Run(reading);
        return Bytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <inheritdoc/>
    public override void Dispose() => NativeMemory.AlignedFree(_memory);
}

/// <summary>Device memory: a copy within it, which reads and writes every byte, so each counts twice.</summary>
internal sealed class DeviceCopy(Device device) : Baseline
{
    private const long Bytes = 2L << 30;
    private const int Runs = 8;

    private readonly Tensor _from = zeros(Bytes, dtype: ScalarType.Byte, device: device);
    private readonly Tensor _to = zeros(Bytes, dtype: ScalarType.Byte, device: device);

    /// <inheritdoc/>
    public override double Rate()
    {
        cuda.synchronize();
        var start = Stopwatch.GetTimestamp();
        for (var run = 0; run < Runs; run++)
        {
            _to.copy_(_from);
        }

        cuda.synchronize();
        return 2.0 * Runs * Bytes / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _from.Dispose();
        _to.Dispose();
    }
}

/// <summary>Torch's bfloat16 product of [rows, side] and [side, side].</summary>
internal sealed class TorchProduct(Device device, int rows, int side) : Baseline
{
    private const int Runs = 3;

    private readonly Tensor _x = randn(rows, side, device: device).to(ScalarType.BFloat16);
    private readonly Tensor _weight = randn(side, side, device: device).to(ScalarType.BFloat16);

    /// <summary>Operations per second, the best of a few products; a multiplication and its addition are two.</summary>
    public override double Rate()
    {
        using var mode = inference_mode();
        var best = 0.0;
        for (var run = 0; run < Runs; run++)
        {
            var start = Stopwatch.GetTimestamp();
            using var y = nn.functional.linear(_x, _weight);
            if (_x.device_type != TorchSharp.DeviceType.CPU)
            {
                cuda.synchronize();
            }

            best = Math.Max(best, 2.0 * rows * side * side / Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return best;
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _x.Dispose();
        _weight.Dispose();
    }
}
