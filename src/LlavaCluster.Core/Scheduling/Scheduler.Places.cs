namespace LlavaCluster.Core.Scheduling;

/// <summary>
/// Who has one of the places in a step. A place is for what can be computed now: a sequence that waits for an image keeps its blocks but
/// gives its place to others, and gets the next one that is free when the image has come.
/// </summary>
public sealed partial class Scheduler
{
    private int _places;

    /// <summary>
    /// Asked before a sequence is taken up from the queue, with how many of its first tokens are known: is there what it needs behind
    /// them? When not, it is passed over, without blocks, until <see cref="LetGo"/>. Null: always.
    /// </summary>
    public Func<Sequence, int, bool>? MayStart { get; set; }

    /// <summary>What a sequence waited for may be there: it is asked for again.</summary>
    public void LetGo(Sequence sequence)
    {
        sequence.IsHeldUp = false;
        _roomChanged = true;
    }

    /// <summary>Blocks have become free that no sequence held.</summary>
    public void NoteRoom() => _roomChanged = true;

    /// <summary>Takes places from those that cannot go on, then gives places to those that can again, the oldest first.</summary>
    private void SharePlaces()
    {
        var without = 0;
        foreach (var sequence in _running)
        {
            if (sequence.HasPlace && sequence.IsStalled(_limits.ChunkTokens))
            {
                LeavePlace(sequence);
            }

            without += sequence.HasPlace ? 0 : 1;
        }

        for (var i = 0; without > 0 && i < _running.Count; i++)
        {
            var sequence = _running[i];
            if (sequence.HasPlace)
            {
                continue;
            }

            without--;
            if (_places < _limits.MaxRunning && !sequence.IsStalled(_limits.ChunkTokens))
            {
                TakePlace(sequence);
            }
        }
    }

    private void TakePlace(Sequence sequence)
    {
        sequence.HasPlace = true;
        _places++;
    }

    private void LeavePlace(Sequence sequence)
    {
        if (sequence.HasPlace)
        {
            sequence.HasPlace = false;
            _places--;
            _roomChanged = true;
        }
    }
}
