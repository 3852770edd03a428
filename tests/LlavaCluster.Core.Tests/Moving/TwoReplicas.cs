using System.Net;
using LlavaCluster.Core.Engine;
using LlavaCluster.Core.Imaging;
using LlavaCluster.Core.Moving;
using LlavaCluster.Core.Tests.Engine;
using LlavaCluster.Tests.Fakes;
using Xunit;
using static LlavaCluster.Core.Tests.Engine.DecodeLoopHost;

namespace LlavaCluster.Core.Tests.Moving;

/// <summary>Two engines over fake models; the old one lends its KV at a port, the new one fetches it.</summary>
internal sealed class TwoReplicas : IAsyncDisposable
{
    /// <summary>Bytes of what is told before six blocks, and of each of them.</summary>
    public const int AnswerBytes = 12, SentBlockBytes = 40 + 256;

    /// <summary>For those who do answer: on a busy machine that takes a while.</summary>
    public static readonly KvMoveOptions Patient = new()
    {
        ConnectPatience = TimeSpan.FromSeconds(30),
        AnswerPatience = TimeSpan.FromSeconds(30),
        Silence = TimeSpan.FromSeconds(30),
    };

    public static readonly KvShape Shape = new("c0ffee", 1, "float32", "fast", 16, 1);

    public static readonly ImageSpan[] Picture = [new(4, 50, ImageHash.Of("cat"u8), 8, 6)];

    private TwoReplicas(DecodeLoopHost old, DecodeLoopHost other, KvServer server) => (Old, New, Server) = (old, other, server);

    public DecodeLoopHost Old { get; }

    public DecodeLoopHost New { get; }

    public KvServer Server { get; }

    public static async Task<TwoReplicas> PairAsync(
        KvMoveOptions? lending = null, KvShape? caller = null, Func<IKvSource, IKvSource>? source = null, int blocks = 64, DecodeLoopOptions? options = null)
    {
        var old = await DecodeLoopHost.StartAsync(options, blocks);
        var server = new KvServer(IPAddress.Loopback, Shape, old.Loop, lending ?? new KvMoveOptions());
        IKvSource client = new KvClient(caller ?? Shape, Patient, TimeProvider.System);
        var other = await DecodeLoopHost.StartAsync(options, blocks, moves: source?.Invoke(client) ?? client);
        return new TwoReplicas(old, other, server);
    }

    /// <summary>A hundred tokens with a picture in them.</summary>
    public static int[] Conversation(int salt = 0)
    {
        var prompt = Prompt(100, salt);
        Array.Fill(prompt, FakeModel.Placeholder, 4, 50);
        return prompt;
    }

    /// <summary>The old replica computes a conversation's first turn: six whole blocks.</summary>
    /// <returns>Ids of its second turn.</returns>
    public async Task<int[]> TalkAsync(int salt = 0)
    {
        var prompt = Conversation(salt);
        return [.. prompt, .. await Old.TokensAsync(Request(prompt, 10, Picture)), .. Prompt(2, salt + 3)];
    }

    /// <summary>A turn of a conversation that the old replica has computed.</summary>
    public SequenceRequest From(int[] ids) => Request(ids, 10, Picture) with { KvFrom = [Server.Address.ToString()] };

    /// <summary>The new replica answers it.</summary>
    /// <returns>Tokens that it did not have to compute.</returns>
    public async Task<int> GoOnAsync(int[] ids)
    {
        var events = await New.AllAsync(From(ids)).WaitAsync(Patience);
        Assert.Equal(FakeModel.Answer(ids, Picture, 10), TokensOf(events));
        return ((GenerationEvent.Started)events[0]).CachedTokens;
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        foreach (var host in new[] { Old, New })
        {
            // Nothing is held for anybody.
            await host.UntilAsync(load => load.FreeBlocks == load.TotalBlocks);
            await host.DisposeAsync();
        }
    }
}
