using Grpc.Core;
using LlavaCluster.Client;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>A client whose server no longer moves, and leaves the connection open.</summary>
public sealed class SilentServerTests
{
    private const int Stop = 19, Continue = 18;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Chat_ServerStands_IsNoticedThoughTheConnectionIsOpen()
    {
        using var folder = new ScratchFolder();
        await using var process = await SiloProcess.StartAsync(folder.Of("data"));
        using var client = new LlavaClient(process.Server, new ResumeOptions
        {
            PingAfter = TimeSpan.FromSeconds(1),
            PingTimeout = TimeSpan.FromSeconds(1),
            GiveUpAfter = TimeSpan.FromSeconds(3),
        });
        await using var turn = client.ChatAsync(SiloProcess.EndlessTurn("")).GetAsyncEnumerator();
        Assert.True(await turn.MoveNextAsync());
        process.Program.Signal(Stop);
        try
        {
            async Task HearAsync()
            {
                while (await turn.MoveNextAsync())
                {
                }
            }

            var error = await Assert.ThrowsAsync<RpcException>(() => HearAsync().WaitAsync(Patience));
            Assert.NotNull(error.Status.DebugException);
        }
        finally
        {
            process.Program.Signal(Continue);
        }
    }
}
