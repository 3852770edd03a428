namespace LlavaCluster.Core.Replicas;

/// <summary>Is told what a seat does; for a log. Any thread; must be quick.</summary>
public interface ISeatObserver
{
    /// <summary>The ranks are together; their numbers travel by the carrier.</summary>
    void Formed(long epoch, int rank, int ranks, string carrier, TimeSpan took);

    /// <summary>They are no longer.</summary>
    void Lost(long epoch, int rank, string why);

    /// <summary>They did not come together.</summary>
    void NotFormed(long epoch, int rank, string why);

    /// <summary>The seat cannot belong to its replica.</summary>
    void Refused(string why);

    /// <summary>A spare seat reads the weights of a missing rank.</summary>
    void Prepares(int rank);

    /// <summary>It could not.</summary>
    void NotPrepared(int rank, Exception error);
}
