using LlavaCluster.Core.Sessions;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>Where sessions and images are kept.</summary>
internal static class DataFolder
{
    /// <summary>The stores of a process.</summary>
    /// <param name="asked">A folder; empty: the user's own; null: memory only.</param>
    /// <param name="sync">What is on the disk when an entry is written.</param>
    /// <exception cref="UserErrorException">The folder cannot be made.</exception>
    public static (ITurnLog Turns, IImageStore Images) Open(string? asked, TurnLogSync sync)
    {
        if (asked is null)
        {
            return (new MemoryTurnLog(), new MemoryImageStore());
        }

        var folder = asked.Length > 0 ? asked : OfUser();
        try
        {
            var turns = new FileTurnLog(Path.Combine(folder, "sessions"), sync);
            return (turns, new FileImageStore(Path.Combine(folder, "images")));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException(
                $"The data folder '{folder}' cannot be used: {error.Message} Name another with --data.", error);
        }
    }

    /// <summary>Where KV blocks may be kept; null where nothing is kept on this machine's disk.</summary>
    public static string? OfKv(NodeSettings settings) => settings.Node.Data switch
    {
        null => null,
        "" when settings.Fleet.Store == "redis" => null,
        var asked => Path.Combine(asked.Length > 0 ? asked : OfUser(), "kv"),
    };

    /// <summary>Space that is free where a folder is, or will be, bytes.</summary>
    public static long FreeBytes(string folder)
    {
        Directory.CreateDirectory(folder);
        return new DriveInfo(folder).AvailableFreeSpace;
    }

    /// <summary>XDG_DATA_HOME/llava-cluster, by default ~/.local/share/llava-cluster.</summary>
    private static string OfUser() => Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.Create),
        "llava-cluster");
}
