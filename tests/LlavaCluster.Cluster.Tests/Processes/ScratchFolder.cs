namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>A folder for one test, removed afterwards.</summary>
internal sealed class ScratchFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("llava-").FullName;

    /// <summary>A path inside.</summary>
    public string Of(string name) => Path.Combine(_path, name);

    /// <summary>A file inside with these bytes.</summary>
    public string Write(string name, byte[] bytes)
    {
        File.WriteAllBytes(Of(name), bytes);
        return Of(name);
    }

    /// <summary>A copy of a folder.</summary>
    public string Copy(string source, string name)
    {
        var target = Directory.CreateDirectory(Of(name)).FullName;
        foreach (var file in Directory.EnumerateFiles(source))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        return target;
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(_path, recursive: true);
}
