using LlavaCluster.Grains.Contracts;

namespace LlavaCluster.Grains.Admission;

/// <summary>A turn's place among what the cluster has on its hands, until disposed. Its session's thread only.</summary>
internal sealed class AdmittedTurn(AdmissionGate gate, string tenant, TurnWorkMessage entered, bool mustRun) : IDisposable
{
    private TurnWorkMessage _counted = entered;

    /// <summary>Says what it asks for, beside being a turn.</summary>
    /// <exception cref="TurnRefusedException">QueueFull; says when to ask again.</exception>
    public void Weigh(long tiles, long imageBytes, long blocks)
    {
        var work = new TurnWorkMessage(0, tiles, imageBytes, blocks);
        gate.Take(tenant, work, mustRun);
        _counted += work;
    }

    /// <summary>Its images are encoded: they no longer wait.</summary>
    public void ImagesDone() => Leave(_counted with { Turns = 0, Blocks = 0 });

    /// <inheritdoc/>
    public void Dispose() => Leave(_counted);

    private void Leave(TurnWorkMessage work)
    {
        gate.Leave(tenant, work);
        _counted -= work;
    }
}
