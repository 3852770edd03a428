namespace LlavaCluster.Core.Replicas;

/// <summary>
/// Decides which seats form a replica. It knows only what they report, so one that starts anew knows all again after a moment; and it
/// decides only when one reports. A formation is given when every rank has a free seat that holds its weights, and is void when a member
/// has made another offer or is not heard of. Not thread-safe.
/// </summary>
/// <param name="replica">Name of the replica.</param>
/// <param name="options">How patient.</param>
/// <param name="time">The clock.</param>
public sealed class ReplicaFormer(string replica, ReplicaFormerOptions options, TimeProvider time)
{
    private readonly Dictionary<string, Seat> _seats = [];
    private readonly Dictionary<int, long> _missingSince = [];
    private readonly long _began = time.GetTimestamp();
    private Formation? _formation;
    private long _epoch;

    /// <summary>The newest formation, as long as it is not void.</summary>
    public Formation? Current => _formation;

    /// <summary>Takes a report and says what its seat is to do.</summary>
    public SeatOrder Take(SeatReport report)
    {
        var offer = report.Offer;
        _epoch = Math.Max(_epoch, report.Epoch);
        ForgetSilent();
        _seats[offer.Seat] = new Seat(report, time.GetTimestamp());
        if (RefusalOf(offer) is { } refusal)
        {
            _seats.Remove(offer.Seat);
            return new SeatOrder.Refuse(refusal);
        }

        if (_formation is not null && VoidReason(_formation) is { } reason)
        {
            _formation = null;
            if (report.State == SeatState.Joining)
            {
                return new SeatOrder.Leave(reason);
            }
        }

        var order = report.State switch
        {
            SeatState.Joining when _formation?.Id != report.Formation => new SeatOrder.Leave("The formation is over."),
            SeatState.Free => Place(offer),
            _ => new SeatOrder.Stay(""),
        };
        if (order is SeatOrder.Join)
        {
            // From now on it is no longer free, whether it has said so or not.
            _seats[offer.Seat] = new Seat(report with { State = SeatState.Joining }, time.GetTimestamp());
        }

        return order;
    }

    private void ForgetSilent()
    {
        foreach (var (name, seat) in _seats.ToArray())
        {
            if (time.GetElapsedTime(seat.HeardAt) > options.Lease)
            {
                _seats.Remove(name);
            }
        }
    }

    /// <summary>All must be like the one of the lowest rank; two seats of one rank would take it from each other.</summary>
    private string? RefusalOf(SeatOffer offer)
    {
        if (offer.OwnRank >= offer.Split.Ranks || offer.OwnRank < 0)
        {
            return $"Seat {offer.Seat} is rank {offer.OwnRank} of {offer.Split.Ranks}; ranks count from 0.";
        }

        var first = _seats.Values.Select(seat => seat.Report.Offer)
            .OrderBy(other => other.OwnRank ?? int.MaxValue).ThenBy(other => other.Seat, StringComparer.Ordinal).First();
        return offer.Split.Mismatch(offer.Seat, first.Split, first.Seat);
    }

    /// <summary>Why a formation cannot come about or go on; null: it can.</summary>
    private string? VoidReason(Formation formation)
    {
        for (var rank = 0; rank < formation.Members.Count; rank++)
        {
            var member = formation.Members[rank];
            if (!_seats.TryGetValue(member.Seat, out var seat))
            {
                return $"Rank {rank} (seat {member.Seat}) is not heard of any more.";
            }

            if (seat.Report.Offer.Id != member.Id)
            {
                return $"Rank {rank} (seat {member.Seat}) has left the formation of epoch {formation.Epoch}.";
            }
        }

        return null;
    }

    private SeatOrder Place(SeatOffer offer)
    {
        if (_formation is not null)
        {
            return _formation.RankOf(offer.Id) >= 0
                ? new SeatOrder.Join(_formation)
                : new SeatOrder.Stay($"Replica {replica} is complete without seat {offer.Seat}; it waits as a spare one.");
        }

        var members = new SeatOffer?[offer.Split.Ranks];
        for (var rank = 0; rank < members.Length; rank++)
        {
            members[rank] = FreeSeatOf(rank);
        }

        var missing = Enumerable.Range(0, members.Length).Where(rank => members[rank] is null).ToArray();
        NoteMissing(missing);
        if (missing.Length == 0)
        {
            _formation = new Formation(Guid.NewGuid(), ++_epoch, members!);
            return _formation.RankOf(offer.Id) >= 0 ? new SeatOrder.Join(_formation) : new SeatOrder.Stay("");
        }

        return RankForSpare(offer, missing) is { } wanted
            ? new SeatOrder.Prepare(wanted)
            : new SeatOrder.Stay($"Replica {replica} waits for rank {string.Join(", ", missing)} of {members.Length}.");
    }

    /// <summary>The seat made for the rank goes first.</summary>
    private SeatOffer? FreeSeatOf(int rank) => _seats.Values
        .Where(seat => seat.Report.State == SeatState.Free && seat.Report.Offer.Rank == rank)
        .Select(seat => seat.Report.Offer)
        .OrderBy(offer => offer.OwnRank == rank ? 0 : 1)
        .ThenBy(offer => offer.Seat, StringComparer.Ordinal)
        .FirstOrDefault();

    private void NoteMissing(int[] missing)
    {
        foreach (var rank in _missingSince.Keys.Except(missing).ToArray())
        {
            _missingSince.Remove(rank);
        }

        foreach (var rank in missing)
        {
            _missingSince.TryAdd(rank, _epoch > 0 ? time.GetTimestamp() : _began);
        }
    }

    /// <summary>The first rank that nobody has or prepares for, and that was missing long enough.</summary>
    private int? RankForSpare(SeatOffer offer, int[] missing)
    {
        if (offer.OwnRank is not null)
        {
            return null;
        }

        var patience = _epoch > 0 ? options.SpareAfter : options.SpareAtStart;
        var cared = _seats.Values.Where(seat => seat.Report.Offer.Seat != offer.Seat).Select(seat => seat.Report.Offer.Rank).ToHashSet();
        foreach (var rank in missing)
        {
            if (!cared.Contains(rank) && time.GetElapsedTime(_missingSince[rank]) >= patience)
            {
                return rank;
            }
        }

        return null;
    }

    private sealed record Seat(SeatReport Report, long HeardAt);
}
