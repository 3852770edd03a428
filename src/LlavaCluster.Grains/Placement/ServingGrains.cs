using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Placement;

/// <summary>Grains that only silos of another role have.</summary>
internal static class ServingGrains
{
    /// <summary>
    /// A grain by its key. Orleans takes a class that no silo has for a mistake of the program. Here it is a silo that was lost, or that is
    /// back, and has said so itself, before Orleans has heard which classes it has.
    /// </summary>
    /// <exception cref="TurnRefusedException">Unavailable: there is no such silo now.</exception>
    public static T Serving<T>(this IGrainFactory grains, string key)
        where T : IGrainWithStringKey
    {
        try
        {
            return grains.GetGrain<T>(key);
        }
        catch (ArgumentException)
        {
            throw new TurnRefusedException(
                RefusalCode.Unavailable, $"No silo that could have {key} is serving. Try again in a moment.", TimeSpan.FromSeconds(1));
        }
    }
}
