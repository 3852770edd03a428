using System.ComponentModel;
using LlavaCluster.Cluster.Tests.Processes;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>What the processes of a scene stand on, where that is not just this machine: made before them, gone after them.</summary>
internal abstract class Ground
{
    /// <summary>Address of this machine for all processes of the scene.</summary>
    public virtual string Address => "127.0.0.1";

    /// <summary>Makes it.</summary>
    /// <param name="folder">Folder of the scene: a silo's data is in the one of its name.</param>
    /// <returns>Null; or why it cannot be had here: then the scene is skipped.</returns>
    public abstract Task<string?> LayAsync(string folder);

    /// <summary>Takes it away, as far as it was made.</summary>
    public abstract Task LiftAsync();

    /// <summary>Runs a program of the system; gives what it says when it fails, else null.</summary>
    protected static async Task<string?> TryAsync(string program, params string[] arguments)
    {
        try
        {
            var (exitCode, _, errors) = await RunningProgram.RunAsync(program, arguments);
            return exitCode == 0 ? null : $"'{program} {string.Join(' ', arguments)}' says: {errors.Trim()}";
        }
        catch (Win32Exception error)
        {
            return $"{program}: {error.Message}";
        }
    }
}

/// <summary>A scene cannot be played on this machine.</summary>
internal sealed class SceneSkippedException(string reason) : Exception(reason);
