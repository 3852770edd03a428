using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Fleet;
using LlavaCluster.Grains.Sessions;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static LlavaCluster.Cluster.Tests.FakeCluster;

namespace LlavaCluster.Cluster.Tests.Sessions;

/// <summary>A cluster where sessions without a turn leave memory after a second.</summary>
public sealed class ForgetfulCluster : FakeCluster
{
    internal override void Configure(SessionOptions options)
    {
        base.Configure(options);
        options.EmptySeconds = 1;
    }
}

/// <summary>Sessions that have nothing take no memory; those that have something stay.</summary>
public sealed class EmptySessionTests(ForgetfulCluster cluster) : IClassFixture<ForgetfulCluster>
{
    [Fact]
    public async Task Session_WithoutATurn_LeavesMemory_OthersStay()
    {
        await cluster.ChatAsync("kept", Turn("a", "one")).WaitAsync(Patience);
        await cluster.ChatAsync("deleted", Turn("a", "one")).WaitAsync(Patience);
        await cluster.Session("deleted").Delete().WaitAsync(Patience);
        await RefusedAsync(() => cluster.ChatAsync("refused", Turn("a", "x", new string('a', 64))));
        await RefusedAsync(() => cluster.Session("unknown").Get());

        await UntilAsync(() => Sessions == 1);

        // The one that is left is the one that has a turn; the others are what they were when they are asked for again.
        await cluster.ForgetAsync("kept");
        await UntilAsync(() => Sessions == 0);
        await cluster.ChatAsync("refused", Turn("a", "two")).WaitAsync(Patience);
        Assert.Single((await cluster.Session("refused").Get().WaitAsync(Patience)).Turns);
        Assert.Single((await cluster.Session("kept").Get().WaitAsync(Patience)).Turns);
    }

    [Fact]
    public async Task Session_WhoseLogComesLate_StaysUntilItIsThere()
    {
        var readable = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.Log.Readable = readable.Task;
        try
        {
            var answer = cluster.ChatAsync("late", Turn("a", "one"));

            // Longer than a session without a turn stays.
            var began = TimeProvider.System.GetTimestamp();
            await UntilAsync(() => TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(2.5));
            readable.SetResult();

            Assert.Equal(new Answers.Mirror().Next("one", []), (await answer.WaitAsync(Patience)).Tokens());
        }
        finally
        {
            readable.TrySetResult();
        }
    }

    private int Sessions => cluster.Silo(0).GetRequiredService<SiloGauges>().Sessions;

    private static async Task RefusedAsync(Func<Task> call) =>
        await Assert.ThrowsAsync<TurnRefusedException>(() => call().WaitAsync(Patience));
}
