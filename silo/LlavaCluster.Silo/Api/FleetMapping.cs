using LlavaCluster.Core.Replicas;
using LlavaCluster.Grains.Contracts;
using LlavaCluster.Grains.Placement;
using FleetSilo = LlavaCluster.Protos.FleetSilo;
using SeenSilo = LlavaCluster.Grains.Fleet.FleetSilo;

namespace LlavaCluster.Silo.Api;

/// <summary>What silos say of themselves, put together as people look at it: by process and by replica.</summary>
internal static class FleetMapping
{
    /// <summary>The answer to GetFleet.</summary>
    public static Protos.GetFleetResponse ToProto(IReadOnlyList<SeenSilo> silos)
    {
        var fleet = new Protos.GetFleetResponse();
        fleet.Silos.AddRange(silos.Select(ToProto));
        fleet.Replicas.AddRange(silos
            .Where(silo => silo.Report?.Seat is not null)
            .GroupBy(silo => silo.Report!.Seat!.Replica)
            .OrderBy(replica => replica.Key, StringComparer.Ordinal)
            .Select(ToReplica));
        return fleet;
    }

    private static FleetSilo ToProto(SeenSilo silo)
    {
        var report = silo.Report;
        var shown = new FleetSilo
        {
            Address = silo.Address,
            Name = silo.Name,
            Status = silo.Status,
            Version = report?.Identity.Version ?? "",
            Checkpoint = report?.Identity.Checkpoint ?? "",
            Draining = report?.IsDraining ?? false,
            Sessions = report?.Sessions ?? 0,
            Turns = report?.Work.Values.Sum(work => work.Turns) ?? 0,
            SilentSeconds = report is null ? -1 : silo.Age.TotalSeconds,
            Encoder = report?.Encoder is not { } encoder ? null : new Protos.FleetEncoder
            {
                Name = encoder.Encoder,
                TilesOutstanding = encoder.Outstanding,
                TilesEncoded = encoder.Encoded,
                TilesPerSecond = encoder.Rate,
            },
        };
        shown.Roles.AddRange(Enum.GetValues<SiloRoles>()
            .Where(role => role is not (SiloRoles.None or SiloRoles.All) && report?.Roles.HasFlag(role) == true)
            .Select(role => role.ToString().ToLowerInvariant()));
        return shown;
    }

    private static Protos.FleetReplica ToReplica(IGrouping<string, SeenSilo> silos)
    {
        var seats = silos.Select(silo => (silo.Address, Seat: silo.Report!.Seat!)).ToArray();
        var leader = seats.Select(seat => seat.Seat).FirstOrDefault(seat => seat.IsLeading);
        var any = leader ?? seats[0].Seat;
        var replica = new Protos.FleetReplica
        {
            Name = silos.Key,
            Serving = leader is not null,
            Epoch = leader?.Epoch ?? seats.Max(seat => seat.Seat.Epoch),
            RankCount = any.Ranks,
            Waiting = any.Load.Waiting,
            Running = any.Load.Running,
            KvBlocks = any.Load.TotalBlocks,
            KvBlocksFree = any.Load.FreeBlocks,
            AnswerTokensPerSecond = any.AnswerRate,
            TokensPerSecond = any.ComputeRate,
            KvBlocksFetched = any.Moves?.Blocks ?? 0,
            KvBytesFetched = any.Moves?.Bytes ?? 0,
            KvBytesPerSecond = any.Moves?.Rate ?? 0,
            PromptTokensPerSecond = any.Moves?.PrefillRate ?? 0,
        };
        replica.Ranks.AddRange(seats
            .OrderBy(seat => seat.Seat.Rank ?? int.MaxValue)
            .ThenBy(seat => seat.Seat.Shard, StringComparer.Ordinal)
            .Select(seat => new Protos.FleetRank
            {
                Rank = seat.Seat.Rank ?? -1,
                Silo = seat.Address,
                State = IsWhole(seat.Seat) ? "all ranks" : seat.Seat.State.ToString().ToLowerInvariant(),
                Epoch = seat.Seat.Epoch,
                Note = seat.Seat.Why,
            }));
        return replica;
    }

    private static bool IsWhole(SeatLoadMessage seat) => seat is { State: SeatState.Serving, Epoch: 0 };
}
