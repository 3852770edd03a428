using LlavaCluster.Protos;

namespace LlavaCluster.Cluster.Tests.Scenarios;

/// <summary>
/// What a scene must leave nothing of: turns, sequences, KV blocks and tiles while the cluster still runs, members that are not there, and
/// afterwards processes.
/// </summary>
internal static class LeftOvers
{
    /// <summary>So often the fleet is looked at, half a second apart, before what is there counts as left over.</summary>
    private const int Looks = 10;

    /// <summary>Waits until the cluster holds nothing.</summary>
    /// <exception cref="SceneFailedException">It still does after some seconds.</exception>
    public static async Task RequireNoneAsync(SceneRun run, CancellationToken cancellationToken)
    {
        string[] left = [];
        for (var look = 0; look < Looks; look++)
        {
            left = [.. Of(await run.FleetAsync(cancellationToken), run.Cluster.Silos.Count(silo => silo.IsUp))];
            if (left.Length == 0)
            {
                return;
            }
        }

        throw new SceneFailedException($"when all is said there is left over: {string.Join(", ", left)}");
    }

    /// <summary>Fails when a process of the scene runs that should have ended.</summary>
    /// <param name="folder">What only its processes name in their command lines.</param>
    /// <exception cref="SceneFailedException">There is one.</exception>
    public static void RequireNoProcess(string folder)
    {
        var running = Directory.EnumerateDirectories("/proc").Where(process => CommandLineOf(process).Contains(folder, StringComparison.Ordinal)).ToArray();
        if (running.Length > 0)
        {
            throw new SceneFailedException($"processes are left over: {string.Join(", ", running.Select(CommandLineOf))}");
        }
    }

    private static IEnumerable<string> Of(GetFleetResponse fleet, int silos)
    {
        if (fleet.Silos.Count != silos)
        {
            yield return $"{fleet.Silos.Count} members of {silos} silos";
        }

        foreach (var silo in fleet.Silos.Where(silo => silo.Turns > 0))
        {
            yield return $"{silo.Turns} turns at {silo.Name}";
        }

        foreach (var encoder in fleet.Silos.Select(silo => silo.Encoder).Where(encoder => encoder is { TilesOutstanding: > 0 }))
        {
            yield return $"{encoder.TilesOutstanding} tiles at encoder {encoder.Name}";
        }

        foreach (var replica in fleet.Replicas.Where(replica => replica.Running + replica.Waiting > 0 || replica.KvBlocksFree < replica.KvBlocks))
        {
            yield return $"{replica.Running + replica.Waiting} sequences and {replica.KvBlocks - replica.KvBlocksFree} KV blocks at replica {replica.Name}";
        }
    }

    /// <summary>Empty: it has none, or has ended meanwhile.</summary>
    private static string CommandLineOf(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline")).Replace('\0', ' ');
        }
        catch (IOException)
        {
            return "";
        }
        catch (UnauthorizedAccessException)
        {
            return "";
        }
    }
}
