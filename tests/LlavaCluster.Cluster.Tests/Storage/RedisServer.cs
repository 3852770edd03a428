using LlavaCluster.Cluster.Tests.Processes;
using LlavaCluster.Grains.Storage;
using LlavaCluster.Silo.Hosting;
using StackExchange.Redis;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Storage;

/// <summary>A Redis of our own at a free port, which writes every command to its disk before it answers.</summary>
public sealed class RedisServer : IAsyncLifetime
{
    private const int Stop = 19, Continue = 18, Kill = 9;

    private readonly ScratchFolder _folder = new();
    private readonly int _port = Ports.Free();
    private RunningProgram _program = null!;

    /// <summary>Address of this machine that it is also reached by.</summary>
    internal string Host { get; init; } = "127.0.0.1";

    internal string Address => $"{Host}:{_port}";

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(_folder.Of("redis"));
        await StartAsync();
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        await _program.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>A connection whose keys nobody else has.</summary>
    internal Task<RedisConnection> ConnectAsync(TimeSpan patience, string? prefix = null) =>
        RedisConnection.OpenAsync(Address, prefix ?? Guid.NewGuid().ToString("N"), patience);

    internal void Freeze() => _program.Signal(Stop);

    internal void Thaw() => _program.Signal(Continue);

    internal async Task KillAsync()
    {
        _program.Signal(Kill);
        await _program.ExitAsync();
        await _program.DisposeAsync();
    }

    internal async Task StartAsync()
    {
        _program = RunningProgram.Start(
            "redis-server",
            "--port", $"{_port}", "--bind", Host == "127.0.0.1" ? Host : $"127.0.0.1 {Host}", "--protected-mode", "no", "--dir", _folder.Of("redis"), "--save", "", "--appendonly", "yes", "--appendfsync", "always");
        await _program.OutputAsync("Ready to accept connections");
    }

    internal async Task FlushAsync()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync($"{Address},allowAdmin=true");
        await redis.GetServer(Address).FlushAllDatabasesAsync();
    }

    /// <summary>Deletes the keys that look so; gives how many.</summary>
    internal async Task<long> DeleteAsync(string pattern)
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(Address);
        return await redis.GetDatabase().KeyDeleteAsync([.. redis.GetServer(Address).Keys(pattern: pattern)]);
    }
}
