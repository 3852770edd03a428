using LlavaCluster.Core.Replicas;

namespace LlavaCluster.Grains.Contracts;

/// <summary>What a seat is to do.</summary>
[GenerateSerializer, Immutable, Alias("llava.SeatOrder")]
public abstract record SeatOrderMessage
{
    /// <summary>The wire form of an order.</summary>
    public static SeatOrderMessage From(SeatOrder order) => order switch
    {
        SeatOrder.Stay stay => new SeatStayMessage(stay.Why),
        SeatOrder.Join { Formation: var formation } => new SeatJoinMessage(
            formation.Id, formation.Epoch, [.. formation.Members.Select(SeatOfferMessage.From)]),
        SeatOrder.Prepare prepare => new SeatPrepareMessage(prepare.Rank),
        SeatOrder.Leave leave => new SeatLeaveMessage(leave.Why),
        SeatOrder.Refuse refuse => new SeatRefuseMessage(refuse.Why),
        _ => throw new InvalidOperationException($"An order {order.GetType().Name} has no message."),
    };

    /// <summary>The order of this wire form.</summary>
    public SeatOrder ToOrder() => this switch
    {
        SeatStayMessage stay => new SeatOrder.Stay(stay.Why),
        SeatJoinMessage join => new SeatOrder.Join(
            new Formation(join.Formation, join.Epoch, [.. join.Members.Select(member => member.ToOffer())])),
        SeatPrepareMessage prepare => new SeatOrder.Prepare(prepare.Rank),
        SeatLeaveMessage leave => new SeatOrder.Leave(leave.Why),
        SeatRefuseMessage refuse => new SeatOrder.Refuse(refuse.Why),
        _ => throw new InvalidOperationException($"A message {GetType().Name} is no order."),
    };
}

/// <summary>See <see cref="SeatOrder.Stay"/>.</summary>
/// <param name="Why">What is waited for; empty: nothing.</param>
[GenerateSerializer, Immutable, Alias("llava.SeatStay")]
public sealed record SeatStayMessage([property: Id(0)] string Why) : SeatOrderMessage;

/// <summary>See <see cref="SeatOrder.Join"/>.</summary>
/// <param name="Formation">Its id.</param>
/// <param name="Epoch">Its number.</param>
/// <param name="Members">The seat of each rank, in order of ranks.</param>
[GenerateSerializer, Immutable, Alias("llava.SeatJoin")]
public sealed record SeatJoinMessage(
    [property: Id(0)] Guid Formation, [property: Id(1)] long Epoch, [property: Id(2)] IReadOnlyList<SeatOfferMessage> Members) : SeatOrderMessage;

/// <summary>See <see cref="SeatOrder.Prepare"/>.</summary>
/// <param name="Rank">The rank.</param>
[GenerateSerializer, Immutable, Alias("llava.SeatPrepare")]
public sealed record SeatPrepareMessage([property: Id(0)] int Rank) : SeatOrderMessage;

/// <summary>See <see cref="SeatOrder.Leave"/>.</summary>
/// <param name="Why">What happened.</param>
[GenerateSerializer, Immutable, Alias("llava.SeatLeave")]
public sealed record SeatLeaveMessage([property: Id(0)] string Why) : SeatOrderMessage;

/// <summary>See <see cref="SeatOrder.Refuse"/>.</summary>
/// <param name="Why">What differs.</param>
[GenerateSerializer, Immutable, Alias("llava.SeatRefuse")]
public sealed record SeatRefuseMessage([property: Id(0)] string Why) : SeatOrderMessage;
