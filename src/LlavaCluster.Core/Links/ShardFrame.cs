using LlavaCluster.Core.Engine;

namespace LlavaCluster.Core.Links;

/// <summary>What a frame of the plan link is.</summary>
internal enum ShardFrameKind : byte
{
    Run = 1,
    LoadImage = 2,
    ForgetImage = 3,
    Stop = 4,

    /// <summary>I am here. No body.</summary>
    HeartBeat = 5,

    /// <summary>I cannot go on; the body is the reason.</summary>
    Leave = 6,

    /// <summary>I have ended as I should; nothing follows.</summary>
    Bye = 7,

    /// <summary>Move KV blocks.</summary>
    Move = 8,

    /// <summary>What came of a <see cref="Move"/> or <see cref="Part"/>; the only one that followers send while all is well.</summary>
    Answer = 9,

    /// <summary>Do this rank's part of a move between replicas.</summary>
    Part = 10,
}

/// <summary>
/// Frames of the plan link: bytes of the body (4, little endian), kind (1), body.
/// </summary>
internal static class ShardFrame
{
    public const int HeadBytes = 5;

    /// <summary>Begins a frame at the end of what is written; the length comes with <see cref="End"/>.</summary>
    public static int Begin(ShardFrameKind kind, WireWriter to)
    {
        var at = to.Length;
        to.UInt32(0);
        to.Byte((byte)kind);
        return at;
    }

    public static void End(int began, WireWriter to) => to.UInt32At(began, (uint)(to.Length - began - HeadBytes));

    /// <summary>A frame that is only words, or nothing.</summary>
    public static byte[] Words(ShardFrameKind kind, string? words = null)
    {
        var to = new WireWriter();
        var began = Begin(kind, to);
        if (words is not null)
        {
            to.Text(words[..Math.Min(words.Length, 1000)]);
        }

        End(began, to);
        return to.Written.ToArray();
    }

    /// <summary>A follower's frame for its leader.</summary>
    public static byte[] Answer(MoveAnswer answer)
    {
        var to = new WireWriter();
        var began = Begin(ShardFrameKind.Answer, to);
        TierMoveCodec.WriteAnswer(answer, to);
        End(began, to);
        return to.Written.ToArray();
    }

    public static void Write(ShardMessage message, WireWriter to)
    {
        switch (message)
        {
            case ShardMessage.Run run:
                var began = Begin(ShardFrameKind.Run, to);
                StepPlanCodec.Write(run.Plan, to, withSampledIds: false);
                End(began, to);
                break;
            case ShardMessage.LoadImage load:
                began = Begin(ShardFrameKind.LoadImage, to);
                WriteFeatures(load.Features, to);
                End(began, to);
                break;
            case ShardMessage.ForgetImage forget:
                began = Begin(ShardFrameKind.ForgetImage, to);
                StepPlanCodec.WriteHash(forget.Image, to);
                End(began, to);
                break;
            case ShardMessage.Move move:
                began = Begin(ShardFrameKind.Move, to);
                TierMoveCodec.Write(move, to);
                End(began, to);
                break;
            case ShardMessage.Part part:
                began = Begin(ShardFrameKind.Part, to);
                PartMoveCodec.Write(part, to);
                End(began, to);
                break;
            case ShardMessage.Stop:
                End(Begin(ShardFrameKind.Stop, to), to);
                break;
            default:
                throw new InvalidOperationException($"There is no frame for {message.GetType().Name}.");
        }
    }

    /// <summary>The message of a frame that is one; null for the others.</summary>
    /// <exception cref="InvalidDataException">The bytes are no such message.</exception>
    public static ShardMessage? Read(ShardFrameKind kind, ReadOnlySpan<byte> body)
    {
        var from = new WireReader(body);
        ShardMessage? message = kind switch
        {
            ShardFrameKind.Run => new ShardMessage.Run(StepPlanCodec.Read(ref from)),
            ShardFrameKind.LoadImage => new ShardMessage.LoadImage(ReadFeatures(ref from)),
            ShardFrameKind.ForgetImage => new ShardMessage.ForgetImage(StepPlanCodec.ReadHash(ref from)),
            ShardFrameKind.Stop => new ShardMessage.Stop(),
            ShardFrameKind.Move => TierMoveCodec.Read(ref from),
            ShardFrameKind.Part => PartMoveCodec.Read(ref from),
            ShardFrameKind.Answer => throw WireReader.Bad("a leader sends no Answer"),
            ShardFrameKind.HeartBeat or ShardFrameKind.Leave or ShardFrameKind.Bye => null,
            _ => throw WireReader.Bad($"kind {(byte)kind} is unknown"),
        };
        if (message is not null)
        {
            from.End();
        }

        return message;
    }

    /// <summary>The words of a <see cref="ShardFrameKind.Leave"/> frame.</summary>
    public static string ReadWords(ReadOnlySpan<byte> body) => new WireReader(body).Text();

    private static void WriteFeatures(ImageFeatures features, WireWriter to)
    {
        StepPlanCodec.WriteHash(features.Image, to);
        to.Int(features.Width);
        to.Int(features.Height);
        to.Int(features.Tiles);
        to.Int(features.PatchesPerTile);
        to.Int(features.Channels);
        to.Byte((byte)features.Type);
        to.Bytes(features.Data.Span);
    }

    private static ImageFeatures ReadFeatures(ref WireReader from)
    {
        var image = StepPlanCodec.ReadHash(ref from);
        var (width, height, tiles, patches, channels) = (from.Int32(), from.Int32(), from.Int32(), from.Int32(), from.Int32());
        var type = (FeatureType)from.Byte();
        if (!Enum.IsDefined(type) || tiles < 0 || patches < 0 || channels < 0)
        {
            throw WireReader.Bad($"features of type {type}, [{tiles}, {patches}, {channels}]");
        }

        var features = new ImageFeatures(image, width, height, tiles, patches, channels, type, from.Bytes().ToArray());
        var due = (UInt128)(uint)tiles * (uint)patches * (uint)channels * (uint)features.ElementSize;
        return (ulong)features.Data.Length == due
            ? features
            : throw WireReader.Bad($"features [{tiles}, {patches}, {channels}] of {type} have {features.Data.Length} bytes");
    }
}
