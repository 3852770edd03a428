using System.Diagnostics;
using System.Net;
using LlavaCluster.Core.Links;
using LlavaCluster.Model.Collectives;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>A rank in a process of its own: see <see cref="RankProgram"/>.</summary>
internal sealed class RankProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly int _ranks;
    private readonly bool _sharedMemory;

    private RankProcess(Process process, int ranks, bool sharedMemory) =>
        (_process, _ranks, _sharedMemory, Address) = (process, ranks, sharedMemory, IPEndPoint.Parse(process.StandardOutput.ReadLine()!));

    /// <summary>Where its collective listens.</summary>
    public IPEndPoint Address { get; }

    public static RankProcess Start(int rank, int ranks, string work, bool sharedMemory)
    {
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(dotnet) { RedirectStandardInput = true, RedirectStandardOutput = true };
        var program = Path.Combine(AppContext.BaseDirectory, "LlavaCluster.Model.Tests.dll");
        string[] arguments = ["exec", program, $"{rank}", $"{ranks}", work, $"{sharedMemory}"];
        Array.ForEach(arguments, start.ArgumentList.Add);
        return new RankProcess(Process.Start(start)!, ranks, sharedMemory);
    }

    /// <summary>Tells it where all ranks, and then the leader's plan link, listen.</summary>
    public void Tell(params IEnumerable<IPEndPoint> addresses) => _process.StandardInput.WriteLine(string.Join(' ', addresses));

    /// <summary>Joins it as rank 0 of two, here.</summary>
    /// <param name="end">Rank 0's end of the collective.</param>
    public TcpShardLink Lead(out TcpCollective end)
    {
        using var collectives = new RankListener(IPAddress.Loopback);
        using var plans = new RankListener(IPAddress.Loopback);
        Tell(collectives.Address, Address, plans.Address);
        var joined = TcpCollective.Join(
            collectives, [collectives.Address, Address], RankProgram.Replica, 1, 0, new TcpCollectiveOptions { SharedMemory = _sharedMemory }, TimeProvider.System);
        end = joined;
        return TcpShardLink.Form(
            plans, RankProgram.Replica, 0, _ranks, RankProgram.LinkOptions, TimeProvider.System, (_, reason) => joined.Abort(reason));
    }

    /// <summary>Its next line.</summary>
    public string? Answer() => _process.StandardOutput.ReadLine();

    public void Kill() => _process.Kill();

    public int ExitCode()
    {
        _process.WaitForExit(Patience);
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }
}
