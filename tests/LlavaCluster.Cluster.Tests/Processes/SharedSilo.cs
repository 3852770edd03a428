using LlavaCluster.Client;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>One silo process for all tests that leave it as it was.</summary>
public sealed class SharedSilo : IAsyncLifetime
{
    private readonly ScratchFolder _folder = new();

    internal SiloProcess Process { get; private set; } = null!;

    internal LlavaClient Client => Process.Client;

    /// <inheritdoc/>
    public async Task InitializeAsync() => Process = await SiloProcess.StartAsync(_folder.Of("data"));

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        await Process.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>Test classes that share it.</summary>
[CollectionDefinition(Name)]
public sealed class SharedSiloTests : ICollectionFixture<SharedSilo>
{
    internal const string Name = "one silo process";
}
