using System.Runtime.InteropServices;

namespace LlavaCluster.Core.Tiering;

/// <summary>
/// Forgets the end of a chain of blocks, up to where another chain branches off: what a conversation shares with others, their system
/// prompt for one, stays theirs.
/// </summary>
internal static class ChainEnd
{
    /// <summary>Goes from the end to the start.</summary>
    /// <param name="chain">Keys from the start.</param>
    /// <param name="known">All keys that can be found, with that of the block before each; may name a key twice.</param>
    /// <param name="forget">Forgets one; false: it is in use, and so are all before it.</param>
    /// <returns>Blocks forgotten.</returns>
    public static int Forget(ReadOnlySpan<UInt128> chain, IEnumerable<(UInt128 Key, UInt128 Parent)> known, Func<UInt128, bool> forget)
    {
        var followers = new Dictionary<UInt128, int>();
        var seen = new HashSet<UInt128>();
        foreach (var (key, parent) in known)
        {
            if (seen.Add(key))
            {
                CollectionsMarshal.GetValueRefOrAddDefault(followers, parent, out _)++;
            }
        }

        var forgotten = 0;
        for (var i = chain.Length - 1; i >= 0; i--)
        {
            if (followers.GetValueOrDefault(chain[i]) > 0)
            {
                break;
            }

            if (!seen.Contains(chain[i]))
            {
                continue;
            }

            if (!forget(chain[i]))
            {
                break;
            }

            forgotten++;
            if (i > 0)
            {
                followers[chain[i - 1]]--;
            }
        }

        return forgotten;
    }
}
