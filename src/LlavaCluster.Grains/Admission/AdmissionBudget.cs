using System.Globalization;
using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Admission;

/// <summary>
/// Whether the cluster takes one more turn: (1) by what all have in flight, (2) by the tenant's share of it; each by turns, tiles, bytes
/// of images and KV blocks, in this order. One who asks for more than a whole budget is taken when nothing else is there: what can never
/// fit is refused elsewhere, with better words. Pure.
/// </summary>
internal static class AdmissionBudget
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(100), Longest = TimeSpan.FromSeconds(60), Unknown = TimeSpan.FromSeconds(1);

    /// <summary>Null: it is taken. Else what is told, with the time after which there should be room at the rate that was measured.</summary>
    /// <param name="options">The budgets.</param>
    /// <param name="fleet">What is in flight.</param>
    /// <param name="demand">What the turn asks for.</param>
    public static TurnRefusedException? Refuse(AdmissionOptions options, FleetWork fleet, TurnWorkMessage demand)
    {
        var blocks = fleet.BlocksInAll > 0 ? fleet.BlocksInAll * options.MaxKvPercent / 100 : long.MaxValue;
        var whole = new TurnWorkMessage(options.MaxTurns, options.MaxTiles, (long)options.MaxImageMib << 20, blocks);
        // (1)
        if (Refuse("", whole, fleet.All, demand, fleet.TurnRate, fleet.TileRate) is { } refusal)
        {
            return refusal;
        }

        // (2) What is a tenant's own ends at its share of the rates.
        long Share(long budget) => budget == long.MaxValue ? budget : Math.Max(1, budget * options.TenantPercent / 100);
        return options.TenantPercent == 100 ? null : Refuse(
            " of one tenant",
            new TurnWorkMessage((int)Share(whole.Turns), Share(whole.Tiles), Share(whole.ImageBytes), Share(whole.Blocks)),
            fleet.Tenant,
            demand,
            fleet.TurnRate * Part(fleet.Tenant.Turns, fleet.All.Turns),
            fleet.TileRate * Part(fleet.Tenant.Tiles, fleet.All.Tiles));
    }

    private static TurnRefusedException? Refuse(
        string whose, TurnWorkMessage budget, TurnWorkMessage work, TurnWorkMessage demand, double turnRate, double tileRate)
    {
        TurnRefusedException? Over(string what, long budget, long work, long demand, double rate) =>
            demand > 0 && work > 0 && work + demand > budget
                ? Refused($"{what}{whose} in flight: {Number(work)}{(demand > 1 ? $", and {Number(demand)} more in this turn" : "")}; this cluster takes {Number(budget)}{whose}.", (work + demand - budget) / rate)
                : null;

        // Bytes and blocks go with the turns that brought them.
        return Over("Turns", budget.Turns, work.Turns, demand.Turns, turnRate)
            ?? Over("Tiles of images", budget.Tiles, work.Tiles, demand.Tiles, tileRate)
            ?? Over("Bytes of images", budget.ImageBytes, work.ImageBytes, demand.ImageBytes, turnRate * Part(work.ImageBytes, work.Turns))
            ?? Over("KV blocks", budget.Blocks, work.Blocks, demand.Blocks, turnRate * Part(work.Blocks, work.Turns));
    }

    private static TurnRefusedException Refused(string sentence, double seconds)
    {
        var wait = double.IsFinite(seconds) ? TimeSpan.FromSeconds(Math.Min(seconds, Longest.TotalSeconds)) : Unknown;
        wait = wait < Shortest ? Shortest : wait;
        return new TurnRefusedException(
            RefusalCode.QueueFull, string.Create(CultureInfo.InvariantCulture, $"{sentence} Try again in {wait.TotalSeconds:0.#} s."), wait);
    }

    private static double Part(long part, long whole) => whole == 0 ? 0 : (double)part / whole;

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
