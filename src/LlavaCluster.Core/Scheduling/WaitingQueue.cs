namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// The sequences that wait. Those that were preempted come first, by age. Among the others the tenant that has been given least is
/// next; a tenant's own wait in order of arrival. Nobody saves up while away: who comes back starts at the clock of the last one served.
/// </summary>
internal sealed class WaitingQueue
{
    /// <summary>Accounts that are kept before those that no longer matter are looked for.</summary>
    private const int KeptAccounts = 1024;

    private readonly Dictionary<string, TenantAccount> _accounts = [];
    private readonly LinkedList<Sequence> _preempted = [];
    private readonly List<TenantAccount> _order = [];
    private long _clock;

    /// <summary>Sequences that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Puts a new sequence at the end of its tenant's line.</summary>
    public void Add(Sequence sequence)
    {
        sequence.Account = AccountOf(sequence.Request.Tenant);
        if (sequence.Account.Line.Count == 0)
        {
            sequence.Account.Clock = Math.Max(sequence.Account.Clock, _clock);
            _order.Add(sequence.Account);
        }

        sequence.Account.Line.AddLast(sequence);
        Count++;
    }

    /// <summary>Puts a sequence that lost its blocks before all that were not yet taken up.</summary>
    public void PutBack(Sequence sequence)
    {
        var next = _preempted.First;
        while (next is not null && next.Value.Number < sequence.Number)
        {
            next = next.Next;
        }

        if (next is null)
        {
            _preempted.AddLast(sequence);
        }
        else
        {
            _preempted.AddBefore(next, sequence);
        }

        Count++;
    }

    /// <summary>Gives a sequence the account that it is charged to, without queueing it.</summary>
    public void Introduce(Sequence sequence) => sequence.Account = AccountOf(sequence.Request.Tenant);

    /// <summary>The one preempted first, if any.</summary>
    public Sequence? FirstPreempted => _preempted.First?.Value;

    /// <summary>
    /// Adds the first of those that wait for room to <paramref name="into"/>, in the order in which they should be taken up; those that
    /// are held up by something else are left out.
    /// </summary>
    public void Next(int most, List<Sequence> into)
    {
        // Few tenants wait at once, and their order hardly changes from step to step.
        for (var i = 1; i < _order.Count; i++)
        {
            for (var j = i; j > 0 && Before(_order[j], _order[j - 1]); j--)
            {
                (_order[j], _order[j - 1]) = (_order[j - 1], _order[j]);
            }
        }

        foreach (var account in _order)
        {
            for (var node = account.Line.First; node is not null && into.Count < most; node = node.Next)
            {
                if (!node.Value.IsHeldUp)
                {
                    into.Add(node.Value);
                }
            }
        }
    }

    /// <summary>Takes a sequence out; false when it does not wait.</summary>
    public bool Remove(Sequence sequence)
    {
        if (_preempted.Count > 0 && _preempted.Remove(sequence))
        {
            Count--;
            return true;
        }

        if (sequence.Account is not { } account || !account.Line.Remove(sequence))
        {
            return false;
        }

        Count--;
        if (account.Line.Count == 0)
        {
            _order.Remove(account);
        }

        return true;
    }

    /// <summary>A new sequence was taken up: its tenant pays for the part of the prompt that must be computed.</summary>
    public void Charge(Sequence sequence)
    {
        _clock = Math.Max(_clock, sequence.Account.Clock);
        sequence.Account.Clock += sequence.Remaining;
    }

    private static bool Before(TenantAccount left, TenantAccount right) =>
        left.Clock != right.Clock
            ? left.Clock < right.Clock
            : left.Line.First!.Value.Number < right.Line.First!.Value.Number;

    private TenantAccount AccountOf(string tenant)
    {
        if (_accounts.TryGetValue(tenant, out var account))
        {
            return account;
        }

        if (_accounts.Count >= KeptAccounts)
        {
            // Who is behind the clock would be lifted to it anyway.
            foreach (var (name, old) in _accounts)
            {
                if (old.Line.Count == 0 && old.Clock <= _clock)
                {
                    _accounts.Remove(name);
                }
            }
        }

        account = new TenantAccount { Clock = _clock };
        _accounts.Add(tenant, account);
        return account;
    }
}
