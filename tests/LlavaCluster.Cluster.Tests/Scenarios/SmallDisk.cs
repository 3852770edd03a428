using Grpc.Core;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>A silo's data folder on a disk of its own that can be filled.</summary>
/// <param name="silo">Name of the silo.</param>
/// <param name="mib">Size, MiB.</param>
internal sealed class SmallDisk(string silo, int mib) : Ground
{
    private string? _mounted;

    /// <inheritdoc/>
    public override async Task<string?> LayAsync(string folder)
    {
        var path = Directory.CreateDirectory(Path.Combine(folder, silo)).FullName;
        if (await TryAsync("mount", "-t", "tmpfs", "-o", $"size={mib}m", "llava-scene", path) is { } reason)
        {
            return reason;
        }

        _mounted = path;
        return null;
    }

    /// <inheritdoc/>
    public override async Task LiftAsync()
    {
        if (_mounted is not null)
        {
            await TryAsync("umount", _mounted);
            _mounted = null;
        }
    }

    /// <summary>Takes all the space there is; gives it back when disposed.</summary>
    private FileStream Fill()
    {
        var filler = new FileStream(
            Path.Combine(_mounted!, "filler"), FileMode.Create, FileAccess.Write, FileShare.None, 0, FileOptions.DeleteOnClose);
        try
        {
            for (var piece = new byte[4096]; ;)
            {
                filler.Write(piece);
            }
        }
        catch (IOException)
        {
            return filler;
        }
    }

    /// <summary>The disk is full for some seconds: what cannot be written down is refused with a clear word, and nothing is lost.</summary>
    public sealed record Full(SmallDisk Disk, double Seconds) : Act
    {
        /// <inheritdoc/>
        public override async Task RunAsync(SceneRun run, CancellationToken cancellationToken)
        {
            await run.StrikeAsync(cancellationToken);
            await using var filler = Disk.Fill();
            await run.PauseAsync(TimeSpan.FromSeconds(Seconds), cancellationToken);
            await run.RequireRefusalAsync(StatusCode.Unavailable, "cannot be read or written now", cancellationToken);
        }
    }
}
