using System.Globalization;
using LlavaCluster.Silo.Commands;

namespace LlavaCluster.Silo.Hosting;

/// <summary>How many KV blocks a rank gets. Pure.</summary>
internal static class KvBudget
{
    /// <summary>
    /// More whole contexts than this are not taken on their own account, however much memory is free.
    /// </summary>
    public const int MostContexts = 32;

    /// <summary>Blocks of one rank.</summary>
    /// <param name="blockBytes">Bytes of one block on one rank.</param>
    /// <param name="blockTokens">Positions of a block.</param>
    /// <param name="contextTokens">Longest sequence that the model takes.</param>
    /// <param name="ranks">Ranks that share the memory.</param>
    /// <param name="freeBytes">Memory that is free once the weights are there.</param>
    /// <param name="askedMib">What configuration asks for one rank; 0: by the free memory.</param>
    /// <returns>
    /// As many as were asked for, at least one; else as many as fit into half of the free memory, but at least one
    /// whole context and at
    /// most <see cref="MostContexts"/>.
    /// </returns>
    /// <exception cref="UserErrorException">Less is asked for than one block.</exception>
    public static int Blocks(
        long blockBytes, int blockTokens, int contextTokens, int ranks, long freeBytes, int askedMib)
    {
        var context = (contextTokens + blockTokens - 1) / blockTokens;
        if (askedMib > 0)
        {
            var asked = ((long)askedMib << 20) / blockBytes;
            return asked > 0
                ? (int)Math.Min(asked, int.MaxValue)
                : throw new UserErrorException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"--kv-cache-mib {askedMib} holds no KV block of {blockBytes:N0} bytes. Take at least {(blockBytes >> 20) + 1}."));
        }

        var fits = freeBytes / 2 / ranks / blockBytes;
        return (int)Math.Clamp(fits, context, (long)context * MostContexts);
    }

    /// <summary>Blocks in slower memory.</summary>
    /// <param name="blockBytes">Bytes of one block.</param>
    /// <param name="askedMib">What configuration asks for; -1: by what is free.</param>
    /// <param name="freeBytes">What may be taken of the memory that is free.</param>
    /// <param name="most">No more than this many blocks are taken on our own account.</param>
    public static int BlocksBelow(long blockBytes, int askedMib, long freeBytes, long most) =>
        (int)Math.Min(int.MaxValue, askedMib >= 0 ? ((long)askedMib << 20) / blockBytes : Math.Min(freeBytes / blockBytes, most));
}
