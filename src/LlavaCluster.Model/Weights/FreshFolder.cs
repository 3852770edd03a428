using LlavaCluster.Core.Checkpoint;

namespace LlavaCluster.Model.Weights;

/// <summary>A checkpoint folder is complete or not there: all is written beside it and moved at the end.</summary>
internal static class FreshFolder
{
    /// <summary>Writes the folder.</summary>
    /// <param name="folder">A new or empty folder.</param>
    /// <param name="write">Gets the path to write to. When it throws, nothing is left.</param>
    /// <exception cref="BadCheckpointException">There is something in the folder.</exception>
    public static void Write(string folder, Action<string> write)
    {
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any()))
        {
            throw new BadCheckpointException($"{folder}: is not empty. Name a new folder, or remove what is there.");
        }

        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var partial = folder + ".partial";
        Remove(partial);
        Directory.CreateDirectory(partial);
        try
        {
            write(partial);
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder);
            }

            Directory.Move(partial, folder);
        }
        catch
        {
            Remove(partial);
            throw;
        }
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
