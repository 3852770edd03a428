using LlavaCluster.Core.Prompting;
using LlavaCluster.Training.Drawing;
using LlavaCluster.Training.Recipe.Answers;
using LlavaCluster.Training.Recipe.Network;
using LlavaCluster.Training.Recipe.Tower;

namespace LlavaCluster.Training.Recipe.Run;

/// <summary>Gives each phase its lessons. One thread.</summary>
internal sealed class Classroom
{
    private readonly TinyNetwork _network;
    private readonly RunFolder _folder;
    private readonly FontShelf _fonts;

    /// <summary>For a network and its run.</summary>
    /// <exception cref="TrainException">There are too few fonts on this machine.</exception>
    public Classroom(TinyNetwork network, RunFolder folder)
    {
        (_network, _folder) = (network, folder);
        try
        {
            _fonts = FontShelf.Find().ForTraining();
        }
        catch (InvalidOperationException e)
        {
            throw new TrainException(e.Message, e);
        }
    }

    /// <summary>The lessons of a phase from a step on; the caller disposes them.</summary>
    public ILessons Lessons(PhasePlan phase, int firstStep) => phase.Kind switch
    {
        PhaseKind.Tower => new TowerLessons(
            _network, new TileArtist(_fonts, _network.Config.Images, _network.Heads.Cells), phase, _folder.Plan.Seed, firstStep),
        _ => new AnswerLessons(_network, new LessonArtist(_fonts, _network.Config.Images, Branches()), phase, _folder.Plan.Seed, firstStep),
    };

    /// <summary>Dialogues to tokens, by the files that go into the checkpoint.</summary>
    private BranchWriter Branches()
    {
        var tokenizer = TokenizerFiles.Load(_folder.Files);
        var template = ChatTemplate.Choose(_folder.Files, _network.Config, tokenizer);
        return new BranchWriter(tokenizer, new PromptBuilder(tokenizer, template, _network.Config.ImageTokenId), _network.Config.EosIds[0]);
    }
}
